#include "hub/upstream/options.hpp"

#include <sys/stat.h>

#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace hub::upstream {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json company(const json& more = json::object()) {
    json one{{"id", "company"},
             {"name", "Example SSO"},
             {"issuer", "https://sso.example"},
             {"client_id", "c"},
             {"client_secret", "s3cret"}};
    one.update(more);
    return one;
}
std::string fault(const json& file) {
    const auto parsed = parse_providers(file.dump());
    return parsed ? "" : parsed.error();
}

TEST(sign_in_providers, are_presets_or_any_issuer) {
    const json file{{{"id", "google"}, {"preset", "google"}, {"client_id", "g"}, {"client_secret", "1"}},
                    {{"id", "github"}, {"preset", "github"}, {"client_id", "h"}, {"client_secret", "2"}},
                    {{"id", "ghes"},
                     {"preset", "github"},
                     {"url", "https://github.example.com"},
                     {"name", "Ours"},
                     {"client_id", "e"},
                     {"client_secret", "3"}},
                    company()};
    const auto parsed = parse_providers(file.dump());
    ASSERT_TRUE(parsed) << parsed.error();
    ASSERT_EQ(parsed->size(), 4U);
    EXPECT_EQ(parsed->at(0).issuer, "https://accounts.google.com");
    EXPECT_EQ(parsed->at(0).name, "Google");
    EXPECT_EQ(parsed->at(0).kind, provider_kind::openid);
    EXPECT_EQ(parsed->at(1).issuer, "https://github.com");
    EXPECT_EQ(parsed->at(1).kind, provider_kind::github);
    EXPECT_EQ(parsed->at(2).issuer, "https://github.example.com");
    EXPECT_EQ(parsed->at(2).name, "Ours");
    EXPECT_EQ(parsed->at(3).issuer, "https://sso.example");
    EXPECT_EQ(parsed->at(3).client_secret, "s3cret");
}

TEST(sign_in_providers, what_is_wrong_is_said_without_the_secret) {
    EXPECT_THAT(fault(json::array()), HasSubstr("JSON array"));
    EXPECT_THAT(fault(company()), HasSubstr("JSON array"));
    EXPECT_FALSE(parse_providers("[{"));
    EXPECT_THAT(fault(json::array({company({{"secret", "x"}})})), HasSubstr("not known"));
    EXPECT_THAT(fault(json::array({company(), company({{"issuer", "https://other.example"}})})),
                HasSubstr("the id company"));
    EXPECT_THAT(fault(json::array({company(), company({{"id", "other"}})})), HasSubstr("issuer of another"));
    EXPECT_THAT(fault(json::array({5})), HasSubstr("no JSON object"));
    for (const auto* id : {"", "A", "a b", "a/b", "a_b", "..", "012345678901234567890123456789012"})
        EXPECT_THAT(fault(json::array({company({{"id", id}})})), HasSubstr("\"id\"")) << id;
    for (const auto* issuer :
         {"", "http://sso.example", "sso.example", "https://sso.example?x", "https://u@sso.example"})
        EXPECT_THAT(fault(json::array({company({{"issuer", issuer}})})), HasSubstr("\"issuer\"")) << issuer;
    EXPECT_THAT(fault(json::array({company({{"name", "a\nb"}})})), HasSubstr("\"name\""));
    EXPECT_THAT(fault(json::array({company({{"client_secret", 5}})})), HasSubstr("no text"));
    EXPECT_THAT(fault(json::array({company({{"client_id", ""}})})), HasSubstr("\"client_id\""));
    EXPECT_THAT(fault(json::array({company({{"url", "https://x.example"}})})), HasSubstr("\"url\""));
    EXPECT_THAT(fault(json::array({company({{"preset", "google"}})})), HasSubstr("own issuer"));
    EXPECT_THAT(fault(json::array({company({{"preset", "other"}})})), Not(HasSubstr("s3cret")));
    const json ghes{{"id", "g"},
                    {"preset", "github"},
                    {"client_id", "c"},
                    {"client_secret", "s3cret"},
                    {"url", "https://github.example.com/path"}};
    EXPECT_THAT(fault(json::array({ghes})), HasSubstr("\"url\""));
    json many = json::array();
    for (int i = 0; i < 17; ++i)
        many.push_back(
            company({{"id", "p" + std::to_string(i)}, {"issuer", "https://p" + std::to_string(i) + ".example"}}));
    EXPECT_THAT(fault(many), HasSubstr("more than 16"));
}

TEST(sign_in_providers, are_read_from_a_file_that_nobody_else_reads) {
    const auto file = std::filesystem::path(testing::TempDir()) / ("providers-" + std::to_string(::getpid()));
    std::ofstream(file) << json::array({company()}).dump() << '\n';
    for (const auto [mode, good] :
         {std::pair(0600U, true), {0640U, true}, {0400U, true}, {0644U, false}, {0660U, false}, {0601U, false}}) {
        ASSERT_EQ(::chmod(file.c_str(), mode), 0);
        EXPECT_EQ(read_providers(file).has_value(), good) << std::oct << mode;
    }
    EXPECT_THAT(read_providers(file).error(), HasSubstr("chmod 600"));
    ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
    std::ofstream(file) << std::string(70'000, ' ');
    EXPECT_THAT(read_providers(file).error(), HasSubstr("64 KiB"));
    std::filesystem::remove(file);
    EXPECT_FALSE(read_providers(file));
    EXPECT_FALSE(read_providers(testing::TempDir()));
}

TEST(callback_url, is_what_an_operator_registers) {
    EXPECT_EQ(callback_url("https://hub.example.com", "company"), "https://hub.example.com/sign-in/callback/company");
}

}  // namespace
}  // namespace hub::upstream
