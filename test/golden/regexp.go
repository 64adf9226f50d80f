package main

import (
	"regexp"
	"strings"
)

type regexpVector struct {
	Expression  string `json:"expression"`
	Text        string `json:"text"`
	Replacement string `json:"replacement"`
	Error       string `json:"error,omitempty"`
	Matches     bool   `json:"matches"`
	Replaced    string `json:"replaced"`
}

// expression, replacement, texts.
type regexpRow struct {
	expression, replacement string
	texts                   []string
}

var regexpTable = []regexpRow{
	{`db`, "X", []string{"db", "a-db-b", "DB", "", "dbdb"}},
	{`^prod-(.*)$`, "$1", []string{"prod-db", "xprod-db", "prod-", "prod-a\nb"}},
	{`^prod-(.*)$`, "pre_$1_x", []string{"prod-db"}},
	{`^prod-(.*)$`, "pre_${1}_x", []string{"prod-db"}},
	{`(?P<env>\w+)/(?P<name>\w+)`, "${name}.$env", []string{"prod/db", "a/b/c", "none"}},
	{`(?<env>\w+)/(?<name>\w+)`, "$name-$nope-${nope}", []string{"prod/db"}},
	{`(a)(b)?`, "[$2$1$0]", []string{"ab", "a", "aab"}},
	{`a`, "$$", []string{"banana"}},
	{`a`, "$", []string{"banana"}},
	{`a`, "${", []string{"banana"}},
	{`a`, "${}", []string{"banana"}},
	{`a`, "$1", []string{"banana"}},
	{`a`, "\\1\\$0", []string{"banana"}},
	{`(a)`, "$1$1$1$1", []string{"banana"}},
	{`(a)`, "$01", []string{"banana"}},
	{`(a)`, "${1", []string{"banana"}},
	{`(a)`, "$é", []string{"banana"}},
	{`(?i)PassWord`, "*", []string{"password", "PASSWORD", "paſſword", "pass"}},
	{`(?i)k`, "x", []string{"k", "K", "\u212a"}},
	{`(?s)a.b`, "x", []string{"a\nb", "acb"}},
	{`a.b`, "x", []string{"a\nb", "aéb", "a🔑b"}},
	{`(?m)^x$`, "y", []string{"a\nx\nb", "x", "xx"}},
	{`(?U)a+`, "x", []string{"aaa"}},
	{`a+?`, "x", []string{"aaa"}},
	{`a*`, "x", []string{"baaac", "", "b"}},
	{`x*`, "-", []string{"abc", "axb", "日本"}},
	{`$`, "!", []string{"a", "a\n"}},
	{`^`, "!", []string{"a"}},
	{``, "-", []string{"ab", ""}},
	{`\bdb\b`, "X", []string{"db", "my-db-1", "mydb", "dbé"}},
	{`\Bdb`, "X", []string{"mydb", "db"}},
	{`\Aa\z`, "x", []string{"a", "a\n"}},
	{`[a-c]+`, "x", []string{"abcd", "xyz"}},
	{`[^a-c]+`, "x", []string{"abcd", "日"}},
	{`[[:alpha:]]+`, "x", []string{"ab1", "é"}},
	{`[[:^digit:]]+`, "x", []string{"ab1"}},
	{`[[:word:]]+`, "x", []string{"a_1-"}},
	{`\d+`, "#", []string{"a12b3", "٣"}},
	{`\D+`, "#", []string{"a12b3"}},
	{`\s+`, "_", []string{"a \t\n\v b", "a\u00a0b"}},
	{`\w+`, "#", []string{"a_é"}},
	{`\pL+`, "#", []string{"aé日1"}},
	{`\p{Greek}+`, "#", []string{"abγδ"}},
	{`\p{Lu}`, "#", []string{"aBÉ"}},
	{`\PL+`, "#", []string{"a12b"}},
	{`[\p{Han}a]+`, "#", []string{"日a本b"}},
	{`\x41\x{1F511}`, "#", []string{"A🔑"}},
	{`\Qa.b\E`, "#", []string{"a.b", "axb"}},
	{`a|b|`, "#", []string{"abc"}},
	{`(a|ab)(c|bcd)(d*)`, "$1,$2,$3", []string{"abcd"}},
	{`^(?:[a-z0-9]+-)*[a-z0-9]+$`, "ok", []string{"a-b-c", "a--b"}},
	{`a{2,3}`, "#", []string{"aaaaa", "a"}},
	{`a{2}`, "#", []string{"aaaaa"}},
	{`a{,2}`, "#", []string{"a{,2}", "aa"}},
	{`a{2,}`, "#", []string{"aaaaa"}},
	{`a{0}`, "#", []string{"aa"}},
	{`{`, "#", []string{"{"}},
	{`}`, "#", []string{"}"}},
	{`]`, "#", []string{"]"}},
	{`[]a]`, "#", []string{"]a"}},
	{`[a-]`, "#", []string{"a-"}},
	{`\.`, "_", []string{"a.b.c"}},
	{`/`, "_", []string{"/prod/db/password"}},
	{`[^-._a-zA-Z0-9]`, "_", []string{"a/b c:d", "é"}},
	{`\C`, "#", []string{"é"}},
	{`\a\f\t\n\r\v`, "#", []string{"\a\f\t\n\r\v"}},
	{`\123`, "#", []string{"S"}},
	{`(?i:a)b`, "#", []string{"Ab", "AB"}},
	{`(?-s:.)`, "#", []string{"\n"}},
	{`(((((((((((a)))))))))))`, "$11", []string{"a"}},
	{"\u00e9", "e", []string{"café"}},
	{`日本`, "jp", []string{"日本語"}},
	{`(x+x+)+y`, "#", []string{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "xxxy"}},
	{`^(a+)+$`, "#", []string{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "aaa"}},
	{`(a|a)*b`, "#", []string{"aaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
	{`(.*)*x`, "#", []string{"aaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
	{`a{1000}`, "#", []string{"a"}},
	{`(?:a{0,30}){0,30}`, "#", []string{"aaa"}},
	// Refused.
	{`(`, "", []string{"a"}},
	{`)`, "", []string{"a"}},
	{`[`, "", []string{"a"}},
	{`[a`, "", []string{"a"}},
	{`[z-a]`, "", []string{"a"}},
	{`[[:nope:]]`, "", []string{"a"}},
	{`[]`, "", []string{"a"}},
	{`*`, "", []string{"a"}},
	{`+a`, "", []string{"a"}},
	{`a**`, "", []string{"a"}},
	{`a{1001}`, "", []string{"a"}},
	{`a{2,1}`, "", []string{"a"}},
	{`(a{1000}){1000}`, "", []string{"a"}},
	{`((a{100}){100}){100}`, "", []string{"a"}},
	{`\`, "", []string{"a"}},
	{`\8`, "", []string{"a"}},
	{`\1`, "", []string{"a"}},
	{`(a)\1`, "", []string{"aa"}},
	{`\y`, "", []string{"a"}},
	{`\pX`, "", []string{"a"}},
	{`\p{Nope}`, "", []string{"a"}},
	{`\x{110000}`, "", []string{"a"}},
	{`\xG`, "", []string{"a"}},
	{`\Z`, "", []string{"a"}},
	{`(?=a)`, "", []string{"a"}},
	{`(?!a)`, "", []string{"a"}},
	{`(?<=a)b`, "", []string{"ab"}},
	{`(?<!a)b`, "", []string{"ab"}},
	{`(?>a)`, "", []string{"a"}},
	{`(?#comment)a`, "", []string{"a"}},
	{`(?x)a`, "", []string{"a"}},
	{`(?P<n>a)(?P<n>b)`, "", []string{"ab"}},
	{`(?P<>a)`, "", []string{"a"}},
	{`(?P<1-a>a)`, "", []string{"a"}},
	{`(?P=n)`, "", []string{"a"}},
	{`(?z)`, "", []string{"a"}},
	{`a++`, "", []string{"a"}},
}

func regexpVectors() []regexpVector {
	rows := append([]regexpRow{}, regexpTable...)
	rows = append(rows,
		regexpRow{strings.Repeat("(", 999) + "a" + strings.Repeat(")", 999), "#", []string{"a"}},
		regexpRow{strings.Repeat("(", 1001) + "a" + strings.Repeat(")", 1001), "", []string{"a"}},
		regexpRow{strings.Repeat("(a?)", 30) + strings.Repeat("a", 30), "$30", []string{strings.Repeat("a", 30)}},
		regexpRow{strings.Repeat("a|", 2000) + "b", "#", []string{"b", "c"}},
	)
	var vectors []regexpVector
	for _, row := range rows {
		for _, given := range row.texts {
			vector := regexpVector{Expression: row.expression, Text: given, Replacement: row.replacement}
			expression, err := regexp.Compile(row.expression)
			if err != nil {
				vector.Error = err.Error()
			} else {
				vector.Matches = expression.MatchString(given)
				vector.Replaced = expression.ReplaceAllString(given, row.replacement)
			}
			vectors = append(vectors, vector)
		}
	}
	return vectors
}
