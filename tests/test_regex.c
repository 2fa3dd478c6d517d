/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_regex.c - patterns: what they match, what is refused, and that hostile
 * ones stay fast. */
#include "engine/regex.h"
#include "tests/test.h"

#include <string.h>

/* Status of a pattern; *matches says whether it covers the whole text. */
static quern_status try_pattern(const char *pattern, const char *text, bool *matches,
                                quern_error *err)
{
    qn_mem mem;
    qn_arena arena;
    qn_regex *re;
    void *scratch;
    const qn_str p = {pattern, strlen(pattern)}, s = {text, strlen(text)};
    qn_mem_init(&mem, NULL, 64 << 20);
    qn_arena_init(&arena, &mem);
    quern_status status = qn_regex_compile(&arena, &p, &re, err);
    if (status == QUERN_OK)
        status = qn_arena_raw(&arena, qn_regex_scratch(re), &scratch, err);
    if (status == QUERN_OK) *matches = qn_regex_full_match(re, &s, scratch);
    qn_arena_done(&arena);
    return status;
}

void test_regex_matches(qn_test *t)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"abc", "abc", true},
        {"abc", "abcd", false},
        {"a|bc|", "bc", true},
        {"a|bc|", "", true},
        {"a*b+c?", "aaabb", true},
        {"a*b+c?", "ac", false},
        {"(ab){2,3}", "ab", false},
        {"(ab){2,3}", "ababab", true},
        {"(ab){2,3}", "abababab", false},
        {"x{2,}", "xxxx", true},
        {"x{,2}", "x{,2}", true},
        {"(a*)*", "aaaa", true},
        {"(a|b)*?c", "ababc", true},
        {"[^a-c]+", "xyz", true},
        {"[^a-c]+", "xbz", false},
        {"[]a-]+", "a]-", true},
        {"[[:alpha:]_]\\w*", "_x9", true},
        {"[[:^digit:]]", "7", false},
        {"\\d{3}-\\D", "123-x", true},
        {"[\\S]+", "a b", false},
        {"(?i)straSSe", "STRASSE", true},
        {"(?i:a)b", "Ab", true},
        {"(?i:a)b", "AB", false},
        {"(?i)\xc3\xa4", "\xc3\x84", true},
        {".", "\xe2\x82\xac", true},
        {".", "\n", false},
        {"(?s).", "\n", true},
        {"^ab$", "ab", true},
        {"a$b", "ab", false},
        {"(?m)a$\n^b", "a\nb", true},
        {"\\bfoo\\b.*", "foo bar", true},
        {"fo\\bo", "foo", false},
        {"\\x41\\x{20AC}\\101",
         "A\xe2\x82\xac"
         "A",
         true},
        {"\\Qa.b\\E+", "a.bbb", true},
        {"(?P<name>a)(?<other>b)", "ab", true},
        {"\\t\\.", "\t.", true},
        {"(\\W|^)[\\w.\\-]{0,25}@(yahoo|gmail)\\.com(\\W|$)", "account@gmail.com",
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        quern_error err;
        bool matches = false;
        qn_note(t, "%s on %s", cases[i].pattern, cases[i].text);
        quern_status status =
            try_pattern(cases[i].pattern, cases[i].text, &matches, &err);
        if (CHECK_OK(t, status, &err)) CHECK_EQ(t, matches, cases[i].matches);
    }
}

void test_regex_refuses(qn_test *t)
{
    static const struct {
        const char *pattern;
        quern_status status;
    } cases[] = {
        {"(a", QUERN_INVALID},
        {"a)", QUERN_INVALID},
        {"[a", QUERN_INVALID},
        {"[b-a]", QUERN_INVALID},
        {"*a", QUERN_INVALID},
        {"a**", QUERN_INVALID},
        {"a{3,2}", QUERN_INVALID},
        {"a{1001}", QUERN_INVALID},
        {"\\", QUERN_INVALID},
        {"\\8", QUERN_INVALID},
        {"(?<n", QUERN_INVALID},
        {"(?=a)", QUERN_INVALID},
        {"[[:foo:]]", QUERN_INVALID},
        {"\\x{110000}", QUERN_INVALID},
        {"\\pL", QUERN_UNSUPPORTED},
        {"((a{100}){100}){100}", QUERN_LIMIT},
        {"((((){1000}){1000}){1000}){1000}", QUERN_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        quern_error err;
        bool matches;
        qn_note(t, "%s", cases[i].pattern);
        CHECK_EQ(t, try_pattern(cases[i].pattern, "", &matches, &err), cases[i].status);
    }
}

void test_regex_stays_fast(qn_test *t)
{
    /* a?^n a^n and nested stars: exponential where a matcher tries one way at a time */
    char pattern[200], text[200];
    quern_error err;
    bool matches = false;
    for (int i = 0; i < 50; i++) {
        pattern[2 * i] = pattern[100 + i] = text[i] = 'a';
        pattern[2 * i + 1] = '?';
    }
    pattern[150] = text[50] = 0;
    CHECK_OK(t, try_pattern(pattern, text, &matches, &err), &err);
    CHECK(t, matches);
    text[49] = 'b';
    CHECK_OK(t, try_pattern("((a*)*)*", text, &matches, &err), &err);
    CHECK(t, !matches);
}
