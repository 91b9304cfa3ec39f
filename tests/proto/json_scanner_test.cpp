// The scanner against a corpus at every cut, against hostile pieces, and against nlohmann's parser on random mutations.
#include "proto/json_scanner.hpp"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace proto {
namespace {

using status = json_scanner::status;
using namespace std::string_literals;

const std::vector<std::string> good{
    "{}",
    " \t\r\n{ } \n",
    R"({"a":1})",
    R"({"":""})",
    R"({"a":[],"b":{},"c":[[],{}],"d":null,"e":true,"f":false})",
    R"({"n":[0,-0,1,-1,10,1.5,-0.5,1e5,1E+5,1e-5,0e0,0.0e-0,1234567890123456789012345678901234567890]})",
    R"({"s":"plain text that is longer than eight bytes, with \"quotes\", \\ and \/ and \b\f\n\r\t"})",
    R"({"u":"\u0041\u00e9\u20AC\uD83D\uDE00\uffff"})",
    "{\"utf8\":\"\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF \xF0\x90\x80\x80 \xF4\x8F\xBF\xBF\"}",
    "{\"\xE2\x82\xAC\" : \"\x7F\"}",
    R"( { "deep" : [ [ [ [ { "x" : [ 1 , 2 , { "y" : "z" } ] } ] ] ] ] } )",
    R"({"a":1,"a":2})",
};

const std::vector<std::string> bad{
    "[]",
    "1",
    "\"x\"",
    "null",
    "}",
    "{]",
    "[}",
    ",",
    "\xEF\xBB\xBF{}",
    "{}{}",
    "{} {}",
    "{}x",
    "{},",
    "{}\0"s,
    "\0{}"s,
    "{,}",
    "{a:1}",
    "{'a':1}",
    R"({"a"})",
    R"({"a":})",
    R"({"a" 1})",
    R"({"a":1,})",
    R"({"a":1 "b":2})",
    R"({"a":1,,"b":2})",
    R"({"a":[1,]})",
    R"({"a":[,1]})",
    R"({"a":[1 2]})",
    R"({"a":[1}})",
    R"({"a":{"b":1]})",
    R"({"a":1]})",
    R"({1:2})",
    R"({"a":01})",
    R"({"a":+1})",
    R"({"a":-})",
    R"({"a":.5})",
    R"({"a":1.})",
    R"({"a":1e})",
    R"({"a":1e+})",
    R"({"a":0x1})",
    R"({"a":--1})",
    R"({"a":1.e5})",
    R"({"a":NaN})",
    R"({"a":Infinity})",
    R"({"a":00})",
    R"({"a":-01})",
    R"({"a":1e5.5})",
    R"({"a":tru})",
    R"({"a":truE})",
    R"({"a":nul1})",
    R"({"a":falsey})",
    R"({"a":True})",
    R"({"a":"\x41"})",
    R"({"a":"\u12G4"})",
    R"({"a":"\u123"})",
    R"({"a":"\'"})",
    R"({"a":"\U0041"})",
    R"({"a":"\uD800"})",
    R"({"a":"\uDC00"})",
    R"({"a":"\uD800\u0041"})",
    R"({"a":"\uD800\n"})",
    R"({"a":"\uD800x"})",
    R"({"a":"\uDBFF\uD800"})",
    R"({"\uD800":1})",
    "{\"a\":\"\n\"}",
    "{\"a\":\"\t\"}",
    "{\"a\":\"\0\"}"s,
    "{\"a\":\"\x1F\"}",
    "{\"\x01\":1}",
    "{\"a\":\"\x80\"}",
    "{\"a\":\"\xBF\"}",
    "{\"a\":\"\xC0\x80\"}",
    "{\"a\":\"\xC1\xBF\"}",
    "{\"a\":\"\xC2\"}",
    "{\"a\":\"\xE0\x9F\xBF\"}",
    "{\"a\":\"\xED\xA0\x80\"}",
    "{\"a\":\"\xED\xBF\xBF\"}",
    "{\"a\":\"\xF0\x8F\xBF\xBF\"}",
    "{\"a\":\"\xF4\x90\x80\x80\"}",
    "{\"a\":\"\xF5\x80\x80\x80\"}",
    "{\"a\":\"\xFF\"}",
    "{\"a\":\"\xFE\"}",
    "{\"a\":\"\xE2\x82\"}",
    "{\"a\":\"\xE2\x82\xAC\xAC\"}",
    "{\xC2\xA0}",
    "{\x0B}",
    "{\x0C}",
    R"({"a":1}/**/)",
    R"({/**/"a":1})",
    R"({"a":1}//)",
};

status scan(std::string_view text) {
    json_scanner scanner;
    return scanner.feed(text);
}

// Fed in two pieces, cut at `cut`.
status scan_cut(std::string_view text, std::size_t cut) {
    json_scanner scanner;
    scanner.feed(text.substr(0, cut));
    return scanner.feed(text.substr(cut));
}

status scan_bytewise(std::string_view text) {
    json_scanner scanner;
    status last = status::more;
    for (std::size_t i = 0; i < text.size(); ++i) last = scanner.feed(text.substr(i, 1));
    return last;
}

TEST(json_scanner, accepts_every_good_text_at_every_cut) {
    for (const auto& text : good) {
        EXPECT_EQ(scan(text), status::complete) << text;
        EXPECT_EQ(scan_bytewise(text), status::complete) << text;
        for (std::size_t cut = 0; cut <= text.size(); ++cut)
            EXPECT_EQ(scan_cut(text, cut), status::complete) << text << " cut at " << cut;
    }
}

TEST(json_scanner, refuses_every_bad_text_at_every_cut) {
    for (const auto& text : bad) {
        json_scanner scanner;
        EXPECT_EQ(scanner.feed(text), status::error) << text;
        EXPECT_FALSE(scanner.reason().empty()) << text;
        EXPECT_EQ(scan_bytewise(text), status::error) << text;
        for (std::size_t cut = 0; cut <= text.size(); ++cut)
            EXPECT_EQ(scan_cut(text, cut), status::error) << text << " cut at " << cut;
    }
}

TEST(json_scanner, is_never_complete_before_the_last_bracket) {
    for (const auto& text : good) {
        const auto end = text.find_last_of('}');
        for (std::size_t length = 0; length <= end; ++length)
            EXPECT_EQ(scan(text.substr(0, length)), status::more) << text << " of length " << length;
    }
}

TEST(json_scanner, finds_a_bad_byte_at_every_offset_of_a_long_string) {
    // The fast loop takes eight bytes at a time: no alignment may hide anything.
    const std::string plain(40, 'x');
    for (const char c : {'\n', '\0', '\x1F', '\x80', '\xFF'})
        for (std::size_t at = 0; at < plain.size(); ++at) {
            auto text = "{\"a\":\"" + plain + "\"}";
            text[6 + at] = c;
            EXPECT_EQ(scan(text), status::error) << static_cast<int>(c) << " at " << at;
        }
    for (std::size_t at = 0; at < plain.size(); ++at) {
        auto text = "{\"a\":\"" + plain + "\"}";
        text[6 + at] = '"';
        EXPECT_EQ(scan(text), status::error) << "quote at " << at;
        text[6 + at] = '\x7F';
        EXPECT_EQ(scan(text), status::complete) << "DEL at " << at;
    }
}

TEST(json_scanner, bounds_the_depth) {
    const auto nested = [](std::size_t arrays) {
        return "{\"a\":" + std::string(arrays, '[') + std::string(arrays, ']') + "}";
    };
    EXPECT_EQ(scan(nested(63)), status::complete);
    EXPECT_EQ(scan(nested(64)), status::error);
    EXPECT_EQ(scan(nested(1'000'000)), status::error);
    json_scanner shallow(1000, 2);
    EXPECT_EQ(shallow.feed(R"({"a":{}})"), status::complete);
    json_scanner too_shallow(1000, 2);
    EXPECT_EQ(too_shallow.feed(R"({"a":{"b":{}}})"), status::error);
    std::string objects;
    for (int i = 0; i < 64; ++i) objects += "{\"a\":";
    EXPECT_EQ(scan(objects + "1" + std::string(64, '}')), status::complete);
}

TEST(json_scanner, bounds_the_size_over_all_pieces) {
    json_scanner exact(10);
    EXPECT_EQ(exact.feed("{\"a\":"), status::more);
    EXPECT_EQ(exact.feed("123}"), status::complete);
    EXPECT_EQ(exact.feed(" "), status::complete);
    EXPECT_EQ(exact.feed(" "), status::error);
    EXPECT_EQ(exact.reason(), "more bytes than allowed");
    json_scanner none(0);
    EXPECT_EQ(none.feed(""), status::more);
    EXPECT_EQ(none.feed("{"), status::error);
}

TEST(json_scanner, stays_in_error) {
    json_scanner scanner;
    EXPECT_EQ(scanner.feed("["), status::error);
    EXPECT_EQ(scanner.feed("{}"), status::error);
    EXPECT_EQ(scanner.reason(), "not an object");
}

TEST(json_scanner, allows_only_white_space_after_the_end) {
    json_scanner scanner;
    EXPECT_EQ(scanner.feed("{}"), status::complete);
    EXPECT_EQ(scanner.feed(" \r\n\t"), status::complete);
    EXPECT_EQ(scanner.feed("\ndata: {\"jsonrpc\":\"2.0\"}"), status::error);
    EXPECT_EQ(scanner.reason(), "something follows the object");
}

// A number too large for a double is well-formed all the same (RFC 8259 §6).
bool parser_accepts(const std::string& text) {
    try {
        return nlohmann::json::parse(text).is_object();
    } catch (const nlohmann::json::out_of_range&) {
        return scan(text) == status::complete;
    } catch (const nlohmann::json::exception&) {
        return false;
    }
}

TEST(json_scanner, agrees_with_a_full_parser_on_mutated_texts) {
    // Fixed seed: a failure is repeatable. nlohmann is as strict, but for the BOM, which it skips.
    std::mt19937 random(20251121);
    const std::string alphabet = "{}[]\",:\\u0019dDaAeE+-.tfn \n\x80\xC3\xA9\xE2\x82\xAC\xED\xA0\xF0\x9F\x98\x80";
    int accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        auto text = good[random() % good.size()];
        for (auto count = random() % 3; count > 0 && !text.empty(); --count) {
            const auto at = random() % text.size();
            const char c = alphabet[random() % alphabet.size()];
            switch (random() % 3) {
                case 0:
                    text[at] = c;
                    break;
                case 1:
                    text.insert(at, 1, c);
                    break;
                default:
                    text.erase(at, 1);
                    break;
            }
        }
        const bool expected = !text.starts_with("\xEF\xBB\xBF") && parser_accepts(text);
        const bool actual = scan(text) == status::complete;
        accepted += actual;
        ASSERT_EQ(actual, expected) << text;
        ASSERT_EQ(scan_bytewise(text) == status::complete, actual) << text;
    }
    EXPECT_GT(accepted, 3000);
}

TEST(json_scanner, is_json_object_needs_the_whole) {
    EXPECT_TRUE(is_json_object("{}"));
    EXPECT_FALSE(is_json_object("{"));
    EXPECT_FALSE(is_json_object(""));
    EXPECT_FALSE(is_json_object("{\"a\":1}", 6));
}

}  // namespace
}  // namespace proto
