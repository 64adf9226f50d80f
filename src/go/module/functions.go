//go:build templates

package main

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"sync"
	"text/template"
	// Names of time zones, as dateInZone takes them, mean the same everywhere.
	_ "time/tzdata"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

// What text/template brings along.
var builtins = []string{
	"and", "break", "call", "continue", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or",
	"print", "printf", "println", "slice", "urlquery",
}

// problem is why a function of ours fails, in words that src/go/template-failures.ts knows.
type problem string

func (p problem) Error() string { return string(p) }

// functions are sprig's, without those that reach outside of the template, and those that External Secrets adds.
var functions = sync.OnceValue(func() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, name)
	}
	maps.Copy(all, template.FuncMap{
		"filterCertChain":           filterCertChain,
		"filterPEM":                 filterPEM,
		"certSANs":                  certSANs,
		"fromYaml":                  fromYAML,
		"fullPemToPkcs12":           func(chain, key string) (string, error) { return fullPEMToPKCS12(chain, key, "") },
		"fullPemToPkcs12Pass":       fullPEMToPKCS12,
		"hexdec":                    hexdec,
		"htpasswd":                  htpasswd(all["htpasswd"].(func(string, string) string)),
		"jwkPrivateKeyPem":          jwkPrivateKeyPEM,
		"jwkPublicKeyPem":           jwkPublicKeyPEM,
		"pemToPkcs12":               func(certificate, key string) (string, error) { return pemToPKCS12(certificate, key, "") },
		"pemToPkcs12Pass":           pemToPKCS12,
		"pemTruststoreToPKCS12":     func(certificates string) (string, error) { return pemTruststoreToPKCS12(certificates, "") },
		"pemTruststoreToPKCS12Pass": pemTruststoreToPKCS12,
		"pkcs12cert":                func(store string) (string, error) { return pkcs12Certificates("", store) },
		"pkcs12certPass":            pkcs12Certificates,
		"pkcs12key":                 func(store string) (string, error) { return pkcs12Key("", store) },
		"pkcs12keyPass":             pkcs12Key,
		"rsaDecrypt":                rsaDecrypt,
		"toYaml":                    toYAML,
	})
	return all
})

// toYAML is empty for what YAML cannot hold.
func toYAML(value any) string {
	text, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

// fromYAML reports what it cannot read as the member Error.
func fromYAML(text string) map[string]any {
	members := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &members); err != nil {
		members["Error"] = err.Error()
	}
	return members
}

// hexdec reports what it cannot read as its value, as sprig's b64dec does.
func hexdec(text string) string {
	decoded, err := hex.DecodeString(text)
	if err != nil {
		return err.Error()
	}
	return string(decoded)
}

// htpasswd takes bcrypt or sha as a third argument, which released versions of sprig do not.
func htpasswd(withBcrypt func(string, string) string) func(string, string, ...string) string {
	return func(user, password string, algorithm ...string) string {
		if len(algorithm) == 0 || algorithm[0] != "sha" || strings.Contains(user, ":") {
			return withBcrypt(user, password)
		}
		sum := sha1.Sum([]byte(password))
		return fmt.Sprintf("%s:{SHA}%s", user, base64.StdEncoding.EncodeToString(sum[:]))
	}
}
