//go:build templates

package main

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"hash"

	"github.com/go-jose/go-jose/v4"
)

// jwkPublicKeyPEM is the public key of a JSON Web Key, also of a private one's.
func jwkPublicKeyPEM(text string) (string, error) {
	key, err := parseJWK(text)
	if err != nil {
		return "", err
	}
	bytes, err := x509.MarshalPKIXPublicKey(key.Public().Key)
	if err != nil {
		return "", problem("jwk")
	}
	return encodeBlock("PUBLIC KEY", bytes), nil
}

func jwkPrivateKeyPEM(text string) (string, error) {
	key, err := parseJWK(text)
	if err != nil {
		return "", err
	}
	if key.IsPublic() {
		return "", problem("jwk-public")
	}
	return encodePrivateKey(key.Key)
}

func parseJWK(text string) (jose.JSONWebKey, error) {
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON([]byte(text)); err != nil {
		return key, problem("jwk")
	}
	return key, nil
}

// rsaDecrypt takes the hash that OAEP is used with; any that it does not know means SHA256.
func rsaDecrypt(scheme, hashName, encrypted, key string) (string, error) {
	switch scheme {
	case "None":
		return encrypted, nil
	case "RSA-OAEP":
	default:
		return "", problem("scheme")
	}
	parsed, err := parsePrivateKey(key)
	if err != nil {
		return "", err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return "", problem("no-rsa")
	}
	decrypted, err := rsa.DecryptOAEP(hashOf(hashName), nil, private, []byte(encrypted), nil)
	if err != nil {
		return "", problem("decryption")
	}
	return string(decrypted), nil
}

func hashOf(name string) hash.Hash {
	switch name {
	case "SHA1":
		return sha1.New()
	case "SHA512":
		return sha512.New()
	default:
		return sha256.New()
	}
}

// parsePrivateKey reads PKCS#1, PKCS#8 and SEC 1.
func parsePrivateKey(text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, problem("no-pem")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, problem("key")
}

func encodePrivateKey(key any) (string, error) {
	bytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", problem("key")
	}
	return encodeBlock("PRIVATE KEY", bytes), nil
}
