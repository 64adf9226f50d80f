//go:build templates

package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"

	"software.sslmate.com/src/go-pkcs12"
)

// pkcs12Key takes the private key out of a PKCS#12 store, as PKCS#8 in PEM.
func pkcs12Key(password, store string) (string, error) {
	key, _, _, err := pkcs12.DecodeChain([]byte(store), password)
	if err != nil {
		return "", storeProblem(err)
	}
	return encodePrivateKey(key)
}

// pkcs12Certificates takes the certificates out of a PKCS#12 store: from leaf to root where they are one chain, else as
// they stand there.
func pkcs12Certificates(password, store string) (string, error) {
	_, leaf, others, err := pkcs12.DecodeChain([]byte(store), password)
	if err != nil {
		return "", storeProblem(err)
	}
	certificates := append([]*x509.Certificate{leaf}, others...)
	if chain, err := orderChain(certificates); err == nil {
		certificates = chain
	}
	return encodeCertificates(certificates...), nil
}

// pemToPKCS12 makes a store of the first certificate and its key.
func pemToPKCS12(certificate, key, password string) (string, error) {
	leaf, _, err := firstCertificate(certificate)
	if err != nil {
		return "", err
	}
	return encodeStore(leaf, nil, key, password)
}

// fullPEMToPKCS12 makes a store of a certificate, those that follow it, and the first one's key.
func fullPEMToPKCS12(chain, key, password string) (string, error) {
	leaf, rest, err := firstCertificate(chain)
	if err != nil {
		return "", err
	}
	authorities, err := allCertificates(rest)
	if err != nil {
		return "", err
	}
	return encodeStore(leaf, authorities, key, password)
}

// pemTruststoreToPKCS12 makes a store of certificates that are to be trusted.
func pemTruststoreToPKCS12(certificates, password string) (string, error) {
	trusted, err := allCertificates([]byte(certificates))
	if err != nil {
		return "", err
	}
	store, err := pkcs12.Modern.EncodeTrustStore(trusted, password)
	if err != nil {
		return "", problem("pkcs12")
	}
	return base64.StdEncoding.EncodeToString(store), nil
}

func encodeStore(leaf *x509.Certificate, authorities []*x509.Certificate, key, password string) (string, error) {
	privateKey, err := parsePrivateKey(key)
	if err != nil {
		return "", err
	}
	store, err := pkcs12.Modern.Encode(privateKey, leaf, authorities, password)
	if err != nil {
		return "", problem("pkcs12")
	}
	return base64.StdEncoding.EncodeToString(store), nil
}

func storeProblem(err error) problem {
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return "password"
	}
	return "pkcs12"
}

func firstCertificate(text string) (*x509.Certificate, []byte, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil {
		return nil, nil, problem("no-pem")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, problem("certificate")
	}
	return certificate, rest, nil
}

// allCertificates refuses what is left behind the last one.
func allCertificates(text []byte) ([]*x509.Certificate, error) {
	certificates, rest, err := parseCertificates(text)
	if err == nil && len(bytes.TrimSpace(rest)) > 0 {
		return nil, problem("junk")
	}
	return certificates, err
}
