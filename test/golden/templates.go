package main

import (
	"bytes"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

type templateVector struct {
	Template text `json:"template"`
	// Delimiters other than Go's.
	Delimiters []string `json:"delimiters,omitempty"`
	// Without missingkey=error.
	IsLenient bool `json:"isLenient,omitempty"`
	// Read as YAML.
	IsMap   bool            `json:"isMap,omitempty"`
	Error   string          `json:"error,omitempty"`
	Text    text            `json:"text"`
	Members map[string]text `json:"members,omitempty"`
}

// The dot of all of them; test/unit/src/go/templates.test.ts has it too.
var templateValues = map[string]string{
	"user": "admin", "password": "fake-p@ss\"w<o>rd&é", "empty": "", "number": "42", "float": "1.50", "json": `{"b":[1,2.5,"x"],"a":{"k":null},"n":12345678901234567890}`,
	"list": "c,a,b", "yaml": "k: v\nn: 010\nl: [1, yes]", "lines": "one\ntwo\n", "date": "2020-02-29", "url": "https://user:pw@fake.example:8443/a/b?q=1#f",
	"binary": "\xff\x00a", "my-key": "dash", "words": "foo bar_baz QuxQuux", "space": "  padded\t", "unicode": "ünïcödé 🔑",
}

var plainTemplates = []string{
	// text/template itself
	``, `plain`, "line\r\n\ttab", `{{`, `}}`, `{ {x} }`, `{{/* comment */}}`, `a {{- /* c */ -}} b`, `{{ .user }}`, `{{.user}}{{.password}}`, `{{ . }}`, `a  {{- .user -}}  b`,
	`{{ .empty }}`, `{{ .binary }}`, `{{ .unicode }}`, `{{ index . "my-key" }}`, `{{ index . "missing" }}`, `{{ index . "missing" | default "d" }}`, `{{ get . "user" }}`,
	`{{ if .user }}y{{ else }}n{{ end }}`, `{{ if .empty }}y{{ else if .user }}z{{ end }}`, `{{ with .user }}{{ . }}{{ else }}n{{ end }}`, `{{ with $x := .user }}{{ $x }}{{ end }}`,
	`{{ range $k, $v := . }}{{ $k }},{{ end }}`, `{{ range splitList "," .list }}{{ . }};{{ else }}none{{ end }}`, `{{ range $i, $e := splitList "," .list }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ $e }}{{ end }}`,
	`{{ range splitList "," .list }}{{ break }}{{ end }}`, `{{ range 3 }}{{ . }}{{ end }}`, `{{ $a := 1 }}{{ $a = 2 }}{{ $a }}`, `{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" .user }}`,
	`{{ block "b" .user }}<{{ . }}>{{ end }}`, `{{ len .user }}`, `{{ len . }}`, `{{ print 1 "a" 2 3 }}`, `{{ println "a" }}`, `{{ printf "%05d|%-5s|%q|%v|%T" 42 "a" .user . 1.5 }}`, `{{ printf "%x" .user }}`,
	`{{ html .password }}`, `{{ js .password }}`, `{{ urlquery .password }}`, `{{ and .user .empty }}`, `{{ and 1 0 }}`, `{{ or .empty .user }}`, `{{ not .empty }}`, `{{ eq .user "admin" "x" }}`, `{{ ne 1 2 }}`,
	`{{ lt 1 2 }}`, `{{ le 2 2 }}`, `{{ gt 1.5 1.0 }}`, `{{ ge "b" "a" }}`, `{{ call (index (dict) "f") }}`, `{{ slice "abcdef" 1 3 }}`, `{{ index (list 1 2 3) 1 }}`, `{{ 0x1F }} {{ 1e3 }} {{ 'a' }} {{ true }} {{ 1_000 }} {{ 0b11 }}`,
	"{{ `raw\\n` }}", `{{ "\u00e9\n\t\"" }}`, `{{ 1.50 }}`, `{{ 1e21 }}`, `{{ 3.0 }}`, `{{ list 1 2 "x" nil }}`, `{{ dict "b" 1 "a" (list) }}`, `{{ nil }}`, `{{ (dict "a" nil).a }}`, `{{ index (fromJson .json) "nope" }}`, `{{ (fromJson .json).a.k }}`,
	`{{- .user }}`, "\n{{- .user -}}\n", `{{ .user | printf "%s-%s" "x" }}`, `{{ ( .user ) }}`, `{{ (split "," .list)._0 }}`, `{{ "}}" }}`, `{{ .lines }}`, "a\n{{ if true }}\nb\n{{ end }}\nc",
	// errors: parsing
	`{{ .user`, `{{ .user }`, `{{ }}`, `{{ . user }}`, `{{ if }}x{{ end }}`, `{{ if .user }}`, `{{ end }}`, `{{ else }}`, `{{ range . }}`, `{{ define "x" }}`, `{{ nofunction }}`, "a\nb {{ nofunction 1 }}", `{{ $x }}`, `{{ "open }}`, "{{ `open }}", `{{ 'x }}`, `{{ /* open }}`, `{{/* open`,
	`{{ .my-key }}`, `{{ 1x }}`, `{{ 0x }}`, `{{ .user | }}`, `{{ | upper }}`, `{{ .user || .x }}`, `{{ template }}`, `{{ template x }}`, `{{ define "x" }}{{ end }}{{ define "x" }}y{{ end }}`, `{{ break }}`, `{{ continue }}`, `{{ end end }}`, `{{ nil.x }}`, `{{ ( .user }}`, `{{ .user ) }}`, `{{ = }}`, `{{ a := 1 }}`, `{{ $a, $b := 1 }}`, `{{ ! }}`, "{{ \x00 }}", `{{ 1.2.3 }}`, `{{ .. }}`, `{{ .user.}}`, `{{ @ }}`, "{{ if .user }}\n\n{{ else }}\n{{ else }}{{ end }}",
	// errors: executing
	`{{ .missing }}`, `{{ .missing | default "d" }}`, `{{ if .missing }}x{{ end }}`, "one\n  two {{ .missing }}", `é🔑 {{ .missing }}`, `{{ .user.name }}`, `{{ (fromJson .json).zz }}`, `{{ .user.a.b }}`, `{{ template "nope" . }}`, `{{ template "nope" }}`, `{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`,
	`{{ range .user }}{{ end }}`, `{{ range 1.5 }}{{ end }}`, `{{ index .user 99 }}`, `{{ index (list 1) 5 }}`, `{{ index (list 1) "x" }}`, `{{ slice "abc" 5 }}`, `{{ len 5 }}`, `{{ eq 1 "a" }}`, `{{ lt "a" 1 }}`, `{{ eq }}`, `{{ call 5 }}`, `{{ call nil }}`, `{{ upper }}`, `{{ upper 1 2 }}`, `{{ upper 5 }}`, `{{ upper nil }}`, `{{ trunc "x" "y" }}`, `{{ trunc 1.5 "abc" }}`, `{{ 5 | upper }}`, `{{ "a" 1 }}`, `{{ .user 1 }}`, `{{ 1 | 2 }}`, `{{ $x := 1 }}{{ $x.y }}`, `{{ nil | upper }}`, `{{ not }}`, `{{ print (index . "missing").x }}`,
	`{{ fail "fake-argument" }}`, `{{ fail .password }}`, `{{ define "x" }}{{ fail "fake-argument" }}{{ end }}{{ template "x" }}`, `{{ (mustFromJson "{").a }}`, `{{ mustFromJson .user }}`, `{{ mustRegexMatch "(" "x" }}`, `{{ mustRegexFind "[" "x" }}`, `{{ mustRegexFindAll "(" "x" 1 }}`, `{{ mustRegexReplaceAll "(" "x" "y" }}`, `{{ mustRegexReplaceAllLiteral "(" "x" "y" }}`, `{{ mustRegexSplit "(" "x" 1 }}`, `{{ mustToDate "2006" "fake-date" }}`, `{{ mustDateModify "fake-duration" now }}`, `{{ mustToJson (list 1) | mustFromJson | mustToJson }}`,
	`{{ mustFirst 5 }}`, `{{ mustLast "x" }}`, `{{ mustRest 5 }}`, `{{ mustInitial 5 }}`, `{{ mustReverse 5 }}`, `{{ mustUniq 5 }}`, `{{ mustWithout 5 1 }}`, `{{ mustHas 1 5 }}`, `{{ mustSlice 5 1 }}`, `{{ mustAppend 5 1 }}`, `{{ mustPush 5 1 }}`, `{{ mustPrepend 5 1 }}`, `{{ mustCompact 5 }}`, `{{ mustChunk 0 5 }}`, `{{ first 5 }}`, `{{ append 5 1 }}`, `{{ concat 5 }}`, `{{ dig "a" }}`, `{{ dig "a" "d" 5 }}`, `{{ dict "a" | keys 5 }}`, `{{ semver "fake-version" }}`, `{{ semverCompare "fake" "1.0.0" }}`, `{{ div 1 0 }}`, `{{ mod 1 0 }}`, `{{ divf 1 0 }}`, `{{ repeat -1 "x" }}`, `{{ randInt 5 5 }}`, `{{ substr 5 99 "abc" }}`, `{{ splitn "," 2 .list }}`, `{{ urlParse "://fake" }}`, `{{ decryptAES "fake" "fake" }}`, `{{ buildCustomCert "fake" "fake" }}`, `{{ genPrivateKey "fake" }}`, `{{ get .user "x" }}`, `{{ set . "a" 1 }}`, `{{ abbrevboth 1 2 "abc" }}`, `{{ env "HOME" }}`, `{{ expandenv "$HOME" }}`, `{{ getHostByName "localhost" }}`,
	// dates
	`{{ date "2006-01-02" (toDate "2006-01-02" .date) }}`, `{{ toDate "2006-01-02" .date | date "Mon Jan 2 15:04:05 MST 2006" }}`, `{{ mustToDate "2006-01-02" .date | unixEpoch }}`, `{{ dateInZone "15:04" (toDate "2006-01-02" .date) "America/New_York" }}`, `{{ date_in_zone "15:04 MST" (toDate "2006-01-02" .date) "Europe/Berlin" }}`, `{{ dateInZone "15:04 MST" (toDate "2006-01-02" .date) "Fake/Zone" }}`, `{{ dateModify "-1.5h" (toDate "2006-01-02" .date) | date "15:04" }}`, `{{ date_modify "24h" (toDate "2006-01-02" .date) | date "01-02" }}`, `{{ mustDateModify "1m" (toDate "2006-01-02" .date) | date "04" }}`, `{{ must_date_modify "1m" (toDate "2006-01-02" .date) | date "04" }}`, `{{ duration 3661 }}`, `{{ duration "90" }}`, `{{ durationRound "2h10m5s" }}`, `{{ durationRound 100000000000 }}`, `{{ htmlDate (toDate "2006-01-02" .date) }}`, `{{ htmlDateInZone (toDate "2006-01-02" .date) "UTC" }}`, `{{ toDate "2006" "fake" | date "2006" }}`, `{{ unixEpoch (toDate "2006-01-02" .date) }}`, `{{ date "2006" 0 }}`,
	// strings
	`{{ abbrev 5 "hello world" }}`, `{{ abbrevboth 5 10 "1234 5678 9123" }}`, `{{ trunc 3 .user }}`, `{{ trunc -3 .user }}`, `{{ trim .space }}`, `{{ upper .unicode }}`, `{{ lower "ABC" }}`, `{{ title "hello wOrld" }}`, `{{ untitle "Hello World" }}`, `{{ substr 1 3 "abcdef" }}`, `{{ substr -1 3 "abcdef" }}`, `{{ substr 2 -1 "abcdef" }}`, `{{ repeat 3 "ab" }}`, `{{ trimall "$" "$5.00$" }}`, `{{ trimAll "-" "--a--" }}`, `{{ trimSuffix "-" "a--" }}`, `{{ trimPrefix "-" "--a" }}`, `{{ nospace "a b  c\t" }}`, `{{ initials "First Try" }}`, `{{ swapcase "aBcD" }}`, `{{ snakecase "FirstName" }}`, `{{ snakecase .words }}`, `{{ camelcase "http_server" }}`, `{{ camelcase .words }}`, `{{ kebabcase "FirstName" }}`, `{{ kebabcase .words }}`, `{{ wrap 5 "aaa bbb ccc" }}`, `{{ wrapWith 5 "|" "Hello World" }}`, `{{ contains "cat" "concatenate" }}`, `{{ hasPrefix "ad" .user }}`, `{{ hasSuffix "in" .user }}`, `{{ quote .password 1 nil }}`, `{{ squote "a" 'b' nil }}`, `{{ cat "a" nil 1 }}`, `{{ indent 2 .lines }}`, `{{ nindent 4 .lines }}`, `{{ replace " " "-" "a b c" }}`, `{{ plural "one" "many" 1 }}`, `{{ plural "one" "many" 2 }}`, `{{ sha1sum .user }}`, `{{ sha256sum .password }}`, `{{ sha512sum .empty }}`, `{{ adler32sum .user }}`, `{{ toString 5 }}`, `{{ toString nil }}`, `{{ toString (list 1 2) }}`, `{{ split "," .list }}`, `{{ splitList "," .list }}`, `{{ splitn "," 2 .list | toJson }}`, `{{ toStrings (list 1 true "x") }}`, `{{ join "-" (list 1 2) }}`, `{{ join "-" "x" }}`, `{{ sortAlpha (list "c" "a") }}`, `{{ hello }}`, `{{ splitList "" "abc" }}`, `{{ untitle "" }}`, `{{ wrap 0 "abc" }}`, `{{ abbrev 3 "hello" }}`, `{{ quote .binary }}`, `{{ title .unicode }}`, `{{ swapcase .unicode }}`, `{{ trunc 3 .unicode }}`, `{{ nospace .unicode }}`, `{{ replace "a" "" .user }}`, `{{ regexQuoteMeta "a.b*c" }}`,
	// numbers
	`{{ atoi .number }}`, `{{ atoi "x" }}`, `{{ int64 "42" }}`, `{{ int 4.9 }}`, `{{ int "0x10" }}`, `{{ int "010" }}`, `{{ float64 "1.5" }}`, `{{ float64 .float }}`, `{{ seq 3 }}`, `{{ seq 1 2 7 }}`, `{{ seq 5 -2 0 }}`, `{{ seq }}`, `{{ seq 0 0 }}`, `{{ toDecimal "777" }}`, `{{ toDecimal 8 }}`, `{{ until 3 }}`, `{{ until -3 }}`, `{{ untilStep 0 10 3 }}`, `{{ untilStep 5 0 -2 }}`, `{{ untilStep 0 5 0 }}`, `{{ add1 "5" }}`, `{{ add 1 2 "3" }}`, `{{ sub 5 3 }}`, `{{ div 7 2 }}`, `{{ div -7 2 }}`, `{{ mod -7 3 }}`, `{{ mul 2 3 4 }}`, `{{ add1f 1.1 }}`, `{{ addf 0.1 0.2 }}`, `{{ subf 1 0.9 }}`, `{{ divf 1 3 }}`, `{{ mulf 1.1 1.1 }}`, `{{ biggest 1 9 3 }}`, `{{ max 1 9 3 }}`, `{{ min 4 2 8 }}`, `{{ maxf 1.5 2.5 }}`, `{{ minf 1.5 2.5 }}`, `{{ ceil 1.1 }}`, `{{ floor -1.1 }}`, `{{ round 2.345 2 }}`, `{{ round 2.5 0 }}`, `{{ round 2.4999 0 0.4 }}`, `{{ max 9223372036854775807 1 }}`, `{{ add 9223372036854775807 1 }}`, `{{ int64 "9223372036854775808" }}`, `{{ int nil }}`, `{{ int true }}`, `{{ 9223372036854775808 }}`, `{{ addf 1e300 1 }}`, `{{ float64 "x" }}`,
	// defaults and logic
	`{{ default "d" .empty }}`, `{{ default "d" 0 }}`, `{{ default "d" (list) }}`, `{{ "x" | default "d" }}`, `{{ default "d" }}`, `{{ empty .empty }}`, `{{ empty nil }}`, `{{ empty false }}`, `{{ coalesce .empty nil 0 "x" }}`, `{{ coalesce }}`, `{{ all 1 "a" }}`, `{{ all 1 .empty }}`, `{{ any .empty 1 }}`, `{{ any }}`, `{{ compact (list 1 0 "" "a") }}`, `{{ mustCompact (list 1 0 "") }}`, `{{ ternary "y" "n" true }}`, `{{ false | ternary "y" "n" }}`,
	`{{ fromJson .json }}`, `{{ (fromJson .json).a }}`, `{{ (fromJson .json).n }}`, `{{ fromJson "x" }}`, `{{ index (fromJson .json).b 2 }}`, `{{ toJson .password }}`, `{{ toJson . }}`, `{{ toJson (fromJson .json) }}`, `{{ toPrettyJson (dict "b" 1 "a" "<x>") }}`, `{{ toRawJson .password }}`, `{{ mustFromJson "[1]" }}`, `{{ mustToJson "<" }}`, `{{ mustToPrettyJson (list 1) }}`, `{{ mustToRawJson "<" }}`, `{{ toJson 1.0 }}`, `{{ deepCopy (dict "a" (list 1)) }}`, `{{ mustDeepCopy (list 1) }}`, `{{ toJson .binary }}`,
	// reflection
	`{{ typeOf 1 }} {{ typeOf . }} {{ typeOf nil }} {{ typeOf (list) }}`, `{{ typeIs "string" .user }}`, `{{ typeIsLike "int" 1 }}`, `{{ kindOf . }} {{ kindOf 1.5 }}`, `{{ kindIs "map" . }}`, `{{ deepEqual (list 1) (list 1) }}`, `{{ kindOf nil }}`,
	// paths
	`{{ base "a/b.c" }}`, `{{ dir "a/b.c" }}`, `{{ clean "a/../b/./c" }}`, `{{ ext "a.tar.gz" }}`, `{{ isAbs "/a" }}`, `{{ osBase "/a/b" }}`, `{{ osClean "a//b" }}`, `{{ osDir "/a/b" }}`, `{{ osExt "a.b" }}`, `{{ osIsAbs "a" }}`, `{{ base "" }}`,
	// encoding
	`{{ b64enc .password }}`, `{{ b64dec "ZmFrZQ==" }}`, `{{ b64dec "###" }}`, `{{ b64enc .binary }}`, `{{ b32enc .user }}`, `{{ b32dec "MFSG22LO" }}`, `{{ b32dec "1" }}`, `{{ b64dec "" }}`, `{{ b64dec "_-8=" }}`, `{{ .binary | b64enc | b64dec }}`,
	// collections
	`{{ list 1 "a" }}`, `{{ tuple 1 2 }}`, `{{ dict "a" 1 "b" }}`, `{{ get (dict "a" 1) "b" }}`, `{{ set (dict "a" 1) "b" 2 }}`, `{{ unset (dict "a" 1) "a" }}`, `{{ hasKey (dict "a" 1) "a" }}`, `{{ pluck "a" (dict "a" 1) (dict "b" 2) (dict "a" 3) }}`, `{{ keys (dict "b" 1 "a" 2) | sortAlpha }}`, `{{ pick (dict "a" 1 "b" 2) "a" }}`, `{{ omit (dict "a" 1 "b" 2) "a" }}`, `{{ merge (dict "a" 1) (dict "a" 2 "b" 3) }}`, `{{ mergeOverwrite (dict "a" 1) (dict "a" 2 "b" 3) }}`, `{{ mustMerge (dict "a" (dict "x" 1)) (dict "a" (dict "y" 2)) }}`, `{{ mustMergeOverwrite (dict "a" 1) (dict "a" 2) }}`, `{{ values (dict "a" 1) }}`,
	`{{ append (list 1) 2 }}`, `{{ push (list 1) 2 }}`, `{{ mustAppend (list 1) 2 }}`, `{{ mustPush (list 1) 2 }}`, `{{ prepend (list 1) 0 }}`, `{{ mustPrepend (list 1) 0 }}`, `{{ first (list 1 2) }}`, `{{ first (list) }}`, `{{ mustFirst (list 1) }}`, `{{ rest (list 1 2 3) }}`, `{{ mustRest (list 1) }}`, `{{ last (list 1 2) }}`, `{{ mustLast (list 1) }}`, `{{ initial (list 1 2 3) }}`, `{{ mustInitial (list 1) }}`, `{{ reverse (list 1 2 3) }}`, `{{ mustReverse (list 1) }}`, `{{ uniq (list 1 1 2) }}`, `{{ mustUniq (list 1) }}`, `{{ without (list 1 2 3) 2 }}`, `{{ mustWithout (list 1) 1 }}`, `{{ has 1 (list 1 2) }}`, `{{ mustHas 3 (list 1) }}`, `{{ slice (list 1 2 3) 1 }}`, `{{ slice (list 1 2 3) 0 2 }}`, `{{ mustSlice (list 1 2) 1 }}`, `{{ concat (list 1) (list 2 3) }}`, `{{ dig "a" "b" "d" (dict "a" (dict "b" 1)) }}`, `{{ dig "a" "x" "d" (dict "a" (dict "b" 1)) }}`, `{{ chunk 2 (list 1 2 3) }}`, `{{ mustChunk 2 (list 1 2 3) }}`, `{{ range chunk 2 (list 1 2 3) }}[{{ . }}]{{ end }}`,
	// crypto that is not random, versions, regular expressions, URLs
	`{{ decryptAES "0123456789abcdef0123456789abcdef" "fake" }}`, `{{ semver "1.2.3-beta.1+x" }}`, `{{ (semver "1.2.3").Major }}`, `{{ (semver "v2.0").String }}`, `{{ semver "1.2.3" | (semver "1.2.4").Compare }}`, `{{ semverCompare "^1.2.0" "1.9.0" }}`, `{{ semverCompare ">2" "1.9.0" }}`, `{{ semverCompare ">=1.0.0-0" "1.0.0-rc1" }}`,
	`{{ regexMatch "^a.*n$" .user }}`, `{{ regexMatch "(" .user }}`, `{{ mustRegexMatch "^b" .user }}`, `{{ regexFindAll "[a-z]" "a1b2" -1 }}`, `{{ regexFindAll "[a-z]" "a1b2" 1 }}`, `{{ mustRegexFindAll "." "ab" -1 }}`, `{{ regexFind "[0-9]+" "a12b" }}`, `{{ mustRegexFind "x" "y" }}`, `{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }}`, `{{ regexReplaceAll "a(x*)b" "-ab-" "$1W" }}`, `{{ mustRegexReplaceAll "a" "aa" "b" }}`, `{{ regexReplaceAllLiteral "a(x*)b" "-ab-" "${1}" }}`, `{{ mustRegexReplaceAllLiteral "a" "aa" "$1" }}`, `{{ regexSplit "z+" "pizza" -1 }}`, `{{ mustRegexSplit "z" "pizza" 2 }}`, `{{ urlParse .url | toJson }}`, `{{ (urlParse .url).host }}`, `{{ urlJoin (dict "scheme" "https" "host" "fake.example" "path" "/a" "query" "q=1" "fragment" "f" "userinfo" "u:p") }}`, `{{ urlJoin (urlParse .url) }}`,
	// what people write
	`postgres://{{ .user }}:{{ .password | urlquery }}@db:5432/app`, `{"auths":{"registry.fake":{"username":"{{ .user }}","auth":"{{ printf "%s:%s" .user .password | b64enc }}"}}}`, "{{ range $key, $value := . }}{{ if hasPrefix \"l\" $key }}{{ $key | upper }}={{ $value | quote }}\n{{ end }}{{ end }}", `{{ $c := .json | fromJson }}{{ range $i, $v := $c.b }}{{ if $i }}, {{ end }}{{ $v }}{{ end }}`, `{{ .password | replace "\"" "\\\"" }}`, `{{ dict "a" .user "b" (dict "c" .password) | toPrettyJson }}`, `{{ printf "%s" .list | splitList "," | sortAlpha | join ";" }}`, `{{ "{{ .user }}" }}`, "{{ `{{ .escaped }}` }}",
}

var lenientTemplates = []string{`{{ .value }}`, `{{ .missing }}`, `{{ .missing | default "d" }}`, `{{ if .missing }}y{{ else }}n{{ end }}`, `{{ .missing.x }}`, `{{ .user | upper }}_{{ .missing }}`, `{{ fail "fake-argument" }}`}

var mapTemplates = []string{"", "a: {{ .user }}", "a: {{ .user }}\nb: 010\nc: yes", "{{ range $k, $v := . }}{{ if lt $k \"f\" }}{{ $k }}: {{ $v | quote }}\n{{ end }}{{ end }}", "{{ .yaml }}", "{{ .user }}", "- {{ .user }}", "a: [{{ .number }}]", "a: {{ .password }}", "\"{{ .user }}\": x", "{{ .json }}", "a: |\n{{ .lines | indent 2 }}", "k: v\n bad: {{ .user }}"}

// templateFunctions are sprig's without those that reach outside of the template.
func templateFunctions() template.FuncMap {
	functions := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(functions, name)
	}
	return functions
}

func templateVectors() []templateVector {
	var vectors []templateVector
	add := func(v templateVector) {
		delimiters := append([]string{}, v.Delimiters...)
		if len(delimiters) == 0 {
			delimiters = []string{"{{", "}}"}
		}
		t := template.New("t").Funcs(templateFunctions()).Delims(delimiters[0], delimiters[1])
		if !v.IsLenient {
			t.Option("missingkey=error")
		}
		t, err := t.Parse(string(v.Template))
		var out bytes.Buffer
		if err == nil {
			err = t.Execute(&out, templateValues)
		}
		if err == nil && v.IsMap {
			members := map[string]string{}
			err = yaml.Unmarshal(out.Bytes(), &members)
			v.Members = texts(members)
		} else {
			v.Text = text(out.String())
		}
		if err != nil {
			v.Error, v.Text, v.Members = strings.ToValidUTF8(err.Error(), "?"), "", nil
		}
		vectors = append(vectors, v)
	}
	for _, each := range plainTemplates {
		add(templateVector{Template: text(each)})
	}
	for _, each := range lenientTemplates {
		add(templateVector{Template: text(each), IsLenient: true})
	}
	for _, each := range mapTemplates {
		add(templateVector{Template: text(each), IsMap: true})
	}
	add(templateVector{Template: "{{ .user }}[[ .user ]]", Delimiters: []string{"[[", "]]"}})
	add(templateVector{Template: "<% .missing %>", Delimiters: []string{"<%", "%>"}})
	return vectors
}
