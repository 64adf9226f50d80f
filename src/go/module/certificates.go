//go:build templates

package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

const certificateBlock = "CERTIFICATE"

// filterPEM keeps the blocks of one type. Text before the first block is left out.
func filterPEM(blockType, text string) (string, error) {
	var kept strings.Builder
	block, rest := pem.Decode(fromFirstBlock(text))
	for ; block != nil; block, rest = pem.Decode(rest) {
		if strings.EqualFold(block.Type, blockType) {
			if err := pem.Encode(&kept, block); err != nil {
				return "", problem("no-pem")
			}
		}
	}
	if kept.Len() == 0 && len(rest) > 0 {
		return "", problem("junk")
	}
	return kept.String(), nil
}

// filterCertChain keeps one part of a chain of certificates, which may come in any order.
func filterCertChain(part, text string) (string, error) {
	certificates, _, err := parseCertificates([]byte(text))
	if err != nil {
		return "", err
	}
	chain, err := orderChain(certificates)
	if err != nil {
		return "", err
	}
	first, last := chain[0], chain[len(chain)-1]
	switch {
	case part == "leaf" && !isRoot(first):
		return encodeCertificates(first), nil
	case part == "intermediate":
		between := chain[1:]
		for i, certificate := range between {
			if isRoot(certificate) {
				between = between[:i]
				break
			}
		}
		return encodeCertificates(between...), nil
	case part == "root" && isRoot(last):
		return encodeCertificates(last), nil
	}
	return "", nil
}

// certSANs lists the names that a certificate is for.
func certSANs(text string) ([]string, error) {
	block, _ := pem.Decode(fromFirstBlock(text))
	if block == nil {
		return nil, problem("no-pem")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, problem("certificate")
	}
	names := append([]string{}, certificate.DNSNames...)
	for _, address := range certificate.IPAddresses {
		names = append(names, address.String())
	}
	names = append(names, certificate.EmailAddresses...)
	for _, uri := range certificate.URIs {
		names = append(names, uri.String())
	}
	return names, nil
}

// orderChain puts certificates in order, each before the one that has signed it, by their key identifiers alone.
func orderChain(certificates []*x509.Certificate) ([]*x509.Certificate, error) {
	issuers := map[*x509.Certificate]*x509.Certificate{}
	isIssuer := map[*x509.Certificate]bool{}
	for _, certificate := range certificates {
		for _, other := range certificates {
			if certificate != other && bytes.Equal(certificate.AuthorityKeyId, other.SubjectKeyId) {
				issuers[certificate] = other
				isIssuer[other] = true
				break
			}
		}
	}
	var leaf *x509.Certificate
	for _, certificate := range certificates {
		if isIssuer[certificate] {
			continue
		}
		if leaf != nil {
			return nil, problem("chain-several")
		}
		leaf = certificate
	}
	if leaf == nil {
		return nil, problem("chain-no-leaf")
	}
	var chain []*x509.Certificate
	for at := leaf; at != nil; at = issuers[at] {
		if len(chain) == len(certificates) {
			return nil, problem("chain-circle")
		}
		chain = append(chain, at)
	}
	return chain, nil
}

func isRoot(certificate *x509.Certificate) bool {
	return certificate.AuthorityKeyId == nil || bytes.Equal(certificate.AuthorityKeyId, certificate.SubjectKeyId)
}

// parseCertificates reads PEM blocks, each of which is a certificate, and gives what is left behind the last one.
func parseCertificates(text []byte) (certificates []*x509.Certificate, rest []byte, err error) {
	block, rest := pem.Decode(text)
	for ; block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, nil, problem("certificate")
		}
		certificates = append(certificates, certificate)
	}
	return certificates, rest, nil
}

func encodeCertificates(certificates ...*x509.Certificate) string {
	var text []byte
	for _, certificate := range certificates {
		text = append(text, encodeBlock(certificateBlock, certificate.Raw)...)
	}
	return string(text)
}

func encodeBlock(blockType string, bytes []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: bytes}))
}

// pem.Decode finds no block behind text in the same line.
func fromFirstBlock(text string) []byte {
	return []byte(text[max(strings.Index(text, "-----BEGIN"), 0):])
}
