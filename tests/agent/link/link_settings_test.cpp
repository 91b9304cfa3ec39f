#include "agent/link/link_settings.hpp"

#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/link/hub_url.hpp"
#include "tests/agent/events/log_fixture.hpp"

namespace agent::link::test {
namespace {

namespace fs = std::filesystem;

class link_settings_test : public testing::Test {
protected:
    static link_settings some() {
        link_settings out;
        out.hub_url = "https://hub.example.com";
        out.machine_id = "m_1";
        out.machine_name = "laptop \xc3\xa4";
        out.workspace_id = "w_1";
        out.hub_keys = {{"k1", std::string(32, '\x01')}, {"k2", std::string(32, '\xff')}};
        out.ca_file = "/etc/ca.pem";
        out.link_counter = 7;
        out.epoch = 9;
        return out;
    }
    std::string saved_text() const {
        std::ifstream in(file_);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write(const std::string& text) const { std::ofstream(file_) << text; }

    events::test::temporary_directory directory_;
    fs::path file_ = directory_.path() / "link.json";
};

TEST_F(link_settings_test, what_is_saved_is_loaded_and_nobody_else_reads_it) {
    ASSERT_TRUE(save_link_settings(file_, some()));
    const auto loaded = load_link_settings(file_);
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->hub_url, some().hub_url);
    EXPECT_EQ(loaded->machine_name, some().machine_name);
    EXPECT_EQ(loaded->hub_keys, some().hub_keys);
    EXPECT_EQ(loaded->link_counter, 7u);
    EXPECT_EQ(loaded->epoch, 9);
    struct stat info{};
    ASSERT_EQ(::stat(file_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_FALSE(fs::exists(file_.string() + ".new"));
}

TEST_F(link_settings_test, a_file_that_is_missing_says_what_to_do) {
    const auto loaded = load_link_settings(file_);
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().find("codez setup"), std::string::npos);
}

TEST_F(link_settings_test, a_half_written_file_is_damaged_at_every_byte) {
    ASSERT_TRUE(save_link_settings(file_, some()));
    const std::string whole = saved_text();
    for (std::size_t cut = 0; cut + 2 < whole.size(); ++cut) {
        write(whole.substr(0, cut));
        const auto loaded = load_link_settings(file_);
        ASSERT_FALSE(loaded) << cut;
        EXPECT_NE(loaded.error().find("damaged"), std::string::npos);
        EXPECT_NE(loaded.error().find("link.json"), std::string::npos);
    }
}

TEST_F(link_settings_test, wrong_values_are_damage_too) {
    ASSERT_TRUE(save_link_settings(file_, some()));
    const auto good = nlohmann::json::parse(saved_text());
    const auto damaged = [&](const char* name, nlohmann::json value) {
        auto bad = good;
        bad[name] = std::move(value);
        write(bad.dump());
        return !load_link_settings(file_);
    };
    EXPECT_TRUE(damaged("link_counter", -1)) << "would be a huge one";
    EXPECT_TRUE(damaged("link_counter", "7"));
    EXPECT_TRUE(damaged("link_counter", 7.5));
    EXPECT_TRUE(damaged("epoch", -1));
    EXPECT_TRUE(damaged("hub_url", "hub.example.com"));
    EXPECT_TRUE(damaged("hub_url", "https://hub.example.com/path"));
    EXPECT_TRUE(damaged("hub_keys", nlohmann::json::object()));
    EXPECT_TRUE(damaged("hub_keys", {{"k", "c2hvcnQ"}}));
    EXPECT_TRUE(damaged("hub_keys", {{"k", 7}}));
    EXPECT_TRUE(damaged("machine_id", ""));
    EXPECT_TRUE(damaged("workspace_id", nullptr));
    for (const auto& [name, value] : good.items()) {
        auto bad = good;
        bad.erase(name);
        write(bad.dump());
        EXPECT_FALSE(load_link_settings(file_)) << name;
    }
    write(std::string(1 << 20, ' ') + good.dump());
    EXPECT_FALSE(load_link_settings(file_)) << "no settings are that long";
    EXPECT_FALSE(damaged("machine_name", "another"));
}

TEST_F(link_settings_test, a_failed_write_leaves_the_old_file_and_no_other) {
    ASSERT_TRUE(save_link_settings(file_, some()));
    const auto before = saved_text();
    auto next = some();
    next.link_counter = 8;
    const auto missing = directory_.path() / "missing" / "link.json";
    const auto failed = save_link_settings(missing, next);
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().find("missing"), std::string::npos);
    // A directory in the temporary file's place cannot be replaced.
    fs::create_directory(file_.string() + ".new");
    EXPECT_FALSE(save_link_settings(file_, next));
    EXPECT_EQ(saved_text(), before);
    fs::remove(file_.string() + ".new");
    // What a crash left is no obstacle, and neither is a link that somebody put there.
    std::ofstream(file_.string() + ".new") << "half";
    EXPECT_TRUE(save_link_settings(file_, next));
    std::ofstream(directory_.path() / "victim") << "untouched";
    fs::create_symlink(directory_.path() / "victim", file_.string() + ".new");
    EXPECT_TRUE(save_link_settings(file_, next));
    std::ifstream victim(directory_.path() / "victim");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(victim), {}), "untouched");
    EXPECT_EQ(load_link_settings(file_)->link_counter, 8u);
}

TEST(hub_url, is_one_origin_however_it_is_typed) {
    const auto origin = [](const char* typed) {
        return hub_origin(typed, plain_http::on_this_machine).value_or("refused");
    };
    for (const char* typed : {"https://hub.example.com", "https://hub.example.com/", "HTTPS://Hub.Example.COM",
                              "https://hub.example.com:443/"})
        EXPECT_EQ(origin(typed), "https://hub.example.com") << typed;
    EXPECT_EQ(origin("https://hub.example.com:8443"), "https://hub.example.com:8443");
    EXPECT_EQ(origin("http://127.0.0.1:4096/"), "http://127.0.0.1:4096");
    EXPECT_EQ(origin("http://localhost:80"), "http://localhost");
    EXPECT_EQ(origin("http://[::1]:4096"), "http://[::1]:4096");
}

TEST(hub_url, says_what_is_wrong) {
    for (const char* typed :
         {"", "hub.example.com", "ftp://hub", "https://", "https://user:secret@hub", "https://hub/path",
          "https://hub/?a", "https://hub/#a", "https://hub:0", "https://hub:65537", "https://hub:99999",
          "https://hub:", "https://hub example", "javascript:alert(1)", "https://hub\nexample"}) {
        const auto refused = hub_origin(typed, plain_http::anywhere);
        ASSERT_FALSE(refused) << typed << " became " << *refused;
        EXPECT_NE(refused.error().find("https://hub.example.com"), std::string::npos) << "an example helps";
        EXPECT_EQ(refused.error().find("secret"), std::string::npos);
    }
}

TEST(hub_url, plain_http_to_another_machine_has_to_be_asked_for) {
    for (const char* typed : {"http://hub.example.com", "http://192.168.1.5:4096", "http://[fe80::1]"}) {
        const auto refused = hub_origin(typed, plain_http::on_this_machine);
        ASSERT_FALSE(refused) << typed;
        EXPECT_NE(refused.error().find("--plain-http"), std::string::npos);
        EXPECT_TRUE(hub_origin(typed, plain_http::anywhere));
    }
}

}  // namespace
}  // namespace agent::link::test
