// `codez setup` with a hub that the test plays.
#include "agent/cli/setup.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "agent/link/link_settings.hpp"
#include "agent/policy/policy.hpp"
#include "agent/state_lock.hpp"
#include "common/crypto/machine_id.hpp"
#include "tests/agent/events/log_fixture.hpp"

namespace agent::cli::test {
namespace {

namespace fs = std::filesystem;

class setup_test : public testing::Test {
protected:
    setup_test() {
        ::unsetenv("CODEZ_JOIN_TOKEN_FILE");
        config_.files.config = directory_.path() / "codez/config";
        config_.files.state = directory_.path() / "codez/state";
        config_.hub_url = "https://hub.example.com/";
        config_.join = true;
        config_.name = "laptop";
        fs::create_directories(directory_.path() / "work");
    }

    int run() {
        out_.str({});
        err_.str({});
        setup_world world{in_,
                          out_,
                          err_,
                          [this](std::string_view) { return typed_; },
                          [this](link::enroll_request request, common::crypto::ed25519_key key) {
                              return enroll(std::move(request), key);
                          },
                          [this](link::device_request request, const link::show_code& show) {
                              return ask_person(std::move(request), show);
                          }};
        return setup(config_, world);
    }
    std::expected<link::link_settings, std::string> enroll(link::enroll_request request,
                                                           const common::crypto::ed25519_key& key) {
        requests_.push_back(request);
        keys_.push_back(key.public_key());
        if (!refusal_.empty()) return std::unexpected(refusal_);
        link::link_settings out;
        out.hub_url = request.hub_url;
        out.machine_id = "m_1";
        out.machine_name = request.name;
        out.workspace_id = "w_1";
        out.hub_keys = {{"k", std::string(32, 'k')}};
        return out;
    }
    std::expected<std::string, std::string> ask_person(link::device_request request, const link::show_code& show) {
        asked_.push_back(std::move(request));
        if (!refusal_.empty()) return std::unexpected(refusal_);
        show({"https://hub.example.com/device", "https://hub.example.com/device?user_code=BCDF-GHJK", "BCDF-GHJK"});
        return "czj_allowed";
    }
    std::string text_of(const fs::path& file) const {
        std::ifstream in(file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    unsigned mode_of(const fs::path& file) const {
        struct stat info{};
        EXPECT_EQ(::stat(file.c_str(), &info), 0) << file;
        return info.st_mode & 0777;
    }
    // Nothing of what it refuses may be half done.
    void expect_refused(const std::string& why) {
        EXPECT_EQ(run(), 1);
        EXPECT_NE(err_.str().find(why), std::string::npos) << err_.str();
        EXPECT_TRUE(err_.str().starts_with("codez setup: ")) << err_.str();
        EXPECT_FALSE(fs::exists(config_.files.link_file()));
        EXPECT_FALSE(fs::exists(config_.files.policy_file()));
    }

    events::test::temporary_directory directory_;
    setup_config config_;
    std::istringstream in_;
    std::ostringstream out_;
    std::ostringstream err_;
    std::optional<std::string> typed_ = "czj_typed";
    std::string refusal_;
    std::vector<link::device_request> asked_;
    std::vector<link::enroll_request> requests_;
    std::vector<std::string> keys_;
};

TEST_F(setup_test, enrols_and_keeps_what_only_the_user_may_read) {
    config_.roots = {directory_.path() / "work"};
    ASSERT_EQ(run(), 0) << err_.str();
    EXPECT_EQ(err_.str(), "");
    EXPECT_NE(out_.str().find("enrolled as laptop (m_1)"), std::string::npos);
    EXPECT_NE(out_.str().find("codez agent"), std::string::npos) << "what to do next";
    EXPECT_EQ(requests_.at(0).hub_url, "https://hub.example.com");
    EXPECT_EQ(requests_.at(0).join_token, "czj_typed");
    for (const auto& file : {config_.files.link_file(), config_.files.machine_key(), config_.files.policy_file()})
        EXPECT_EQ(mode_of(file), 0600u) << file;
    for (const auto& dir : {config_.files.config, config_.files.state}) EXPECT_EQ(mode_of(dir), 0700u) << dir;
    EXPECT_EQ(text_of(config_.files.link_file()).find("czj_"), std::string::npos) << "the token is not kept";
    const auto rules = policy::load(config_.files.policy_file(), directory_.path() / "none");
    ASSERT_TRUE(rules) << rules.error();
    EXPECT_TRUE(rules->check_directory((directory_.path() / "work").string()));
}

TEST_F(setup_test, takes_the_token_from_a_file_from_stdin_or_from_the_person) {
    const auto token = [&](const fs::path& file) {
        config_.join_file = file;
        EXPECT_EQ(run(), 0) << err_.str();
        return requests_.back().join_token;
    };
    EXPECT_EQ(token({}), "czj_typed");
    const auto file = directory_.path() / "join";
    std::ofstream(file) << "  czj_file\r\nsecond line\n";
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(token(file), "czj_file");
    EXPECT_EQ(err_.str().find("others can read"), std::string::npos);
    fs::permissions(file, fs::perms::all);
    EXPECT_EQ(token(file), "czj_file");
    EXPECT_NE(err_.str().find("others can read"), std::string::npos);
    in_.str("czj_stdin\n");
    EXPECT_EQ(token("-"), "czj_stdin");
    ::setenv("CODEZ_JOIN_TOKEN_FILE", file.c_str(), 1);
    EXPECT_EQ(token({}), "czj_file");
}

TEST_F(setup_test, says_what_is_wrong_with_the_token) {
    typed_ = std::nullopt;
    expect_refused("No join token was given");
    typed_ = "";
    expect_refused("no join token");
    typed_ = "cza_an_api_key";
    expect_refused("begins with czj_");
    EXPECT_EQ(err_.str().find("an_api_key"), std::string::npos) << "secrets are not repeated";
    config_.join_file = directory_.path() / "absent";
    expect_refused("absent");
    config_.join_file = "-";
    expect_refused("no join token");
    config_.join_file = directory_.path();  // a directory
    expect_refused("no join token");
    config_.join_file = "/dev/zero";
    expect_refused("no join token");
    config_.join_file.clear();
    ::setenv("CODEZ_JOIN_TOKEN_FILE", "/no/such/file", 1);
    expect_refused("/no/such/file");
    EXPECT_TRUE(requests_.empty());
}

TEST_F(setup_test, without_a_token_a_person_is_asked_who_sees_the_key_on_both_screens) {
    config_.join = false;
    EXPECT_EQ(run(), 0) << err_.str();
    ASSERT_EQ(asked_.size(), 1U);
    EXPECT_EQ(asked_.front().hub_url, "https://hub.example.com");
    EXPECT_EQ(asked_.front().name, "laptop");
    EXPECT_EQ(asked_.front().machine_id, common::crypto::machine_id_of(keys_.front()));
    EXPECT_EQ(requests_.front().join_token, "czj_allowed");
    for (const std::string& shown : {std::string("https://hub.example.com/device"), std::string("BCDF-GHJK"),
                                     common::crypto::shown_fingerprint(asked_.front().machine_id)})
        EXPECT_NE(out_.str().find(shown), std::string::npos) << out_.str();
}

TEST_F(setup_test, a_person_who_refuses_changes_nothing) {
    config_.join = false;
    refusal_ = "The person refused this machine.";
    expect_refused("The person refused");
    EXPECT_TRUE(requests_.empty());
}

TEST_F(setup_test, says_what_is_wrong_with_the_rest) {
    config_.hub_url = "hub.example.com";
    expect_refused("https://");
    config_.hub_url = "http://hub.example.com";
    expect_refused("--plain-http");
    config_.hub_url = "https://hub.example.com";
    config_.roots = {directory_.path() / "absent"};
    expect_refused("absent");
    std::ofstream(directory_.path() / "file") << "x";
    config_.roots = {directory_.path() / "file"};
    expect_refused("not a directory");
    const auto odd = directory_.path() / "new\nline";
    fs::create_directory(odd);
    config_.roots = {odd};
    expect_refused("control characters");
    const auto latin1 = directory_.path() / "caf\xe9";
    fs::create_directory(latin1);
    config_.roots = {latin1};
    expect_refused("UTF-8");
    EXPECT_TRUE(requests_.empty());
    config_.roots.clear();
    config_.plain_http = true;
    config_.hub_url = "http://hub.example.com";
    EXPECT_EQ(run(), 0);
}

TEST_F(setup_test, a_refusal_of_the_hub_leaves_everything_as_it_was) {
    config_.roots = {directory_.path() / "work"};
    refusal_ = "The hub refused: the join token was used before.";
    expect_refused("was used before");
    refusal_.clear();
    ASSERT_EQ(run(), 0) << "and the next attempt works";
    EXPECT_EQ(keys_.at(0), keys_.at(1)) << "with the same key";
    const auto before = text_of(config_.files.link_file());
    refusal_ = "The hub cannot be reached.";
    EXPECT_EQ(run(), 1);
    EXPECT_EQ(text_of(config_.files.link_file()), before);
}

TEST_F(setup_test, enrolling_again_says_so_and_keeps_the_key) {
    ASSERT_EQ(run(), 0);
    config_.hub_url = "https://other.example.com";
    config_.name = "renamed";
    ASSERT_EQ(run(), 0);
    EXPECT_NE(err_.str().find("https://hub.example.com as laptop"), std::string::npos) << err_.str();
    EXPECT_EQ(keys_.at(0), keys_.at(1));
    EXPECT_EQ(link::load_link_settings(config_.files.link_file())->hub_url, "https://other.example.com");
    std::ofstream(config_.files.link_file()) << "{";
    ASSERT_EQ(run(), 0);
    EXPECT_NE(err_.str().find("damaged"), std::string::npos);
}

TEST_F(setup_test, a_policy_that_is_there_stays_and_that_is_said) {
    fs::create_directories(config_.files.config);
    std::ofstream(config_.files.policy_file()) << "roots = []\n";
    config_.roots = {directory_.path() / "work"};
    ASSERT_EQ(run(), 0);
    EXPECT_EQ(text_of(config_.files.policy_file()), "roots = []\n");
    EXPECT_NE(err_.str().find("no root was added"), std::string::npos) << err_.str();
    config_.roots.clear();
    ASSERT_EQ(run(), 0);
    EXPECT_EQ(err_.str().find("no root was added"), std::string::npos);
}

TEST_F(setup_test, roots_are_quoted) {
    const auto odd = directory_.path() / "a \"b\" \\c ä";
    fs::create_directory(odd);
    config_.roots = {odd, directory_.path() / "work"};
    ASSERT_EQ(run(), 0) << err_.str();
    const auto rules = policy::load(config_.files.policy_file(), directory_.path() / "none");
    ASSERT_TRUE(rules) << rules.error();
    EXPECT_TRUE(rules->check_directory(odd.string()));
    EXPECT_EQ(rules->roots().size(), 2u);
}

TEST_F(setup_test, not_beside_a_running_agent) {
    make_private_directories(config_.files);
    const auto agent = state_lock::take(config_.files.state);
    ASSERT_TRUE(agent);
    expect_refused("Stop it");
    EXPECT_TRUE(requests_.empty());
}

TEST_F(setup_test, a_key_that_others_could_read_is_not_used) {
    ASSERT_EQ(run(), 0);
    fs::permissions(config_.files.machine_key(), fs::perms::all);
    const auto before = text_of(config_.files.link_file());
    EXPECT_EQ(run(), 1);
    EXPECT_NE(err_.str().find("machine.key"), std::string::npos);
    EXPECT_EQ(text_of(config_.files.link_file()), before);
    // Not followed to where somebody may want a key to be made either.
    fs::remove(config_.files.machine_key());
    fs::create_symlink(directory_.path() / "elsewhere", config_.files.machine_key());
    EXPECT_EQ(run(), 1);
    EXPECT_FALSE(fs::exists(directory_.path() / "elsewhere"));
}

TEST(state_lock, one_at_a_time) {
    const events::test::temporary_directory directory;
    {
        const auto first = state_lock::take(directory.path());
        ASSERT_TRUE(first);
        EXPECT_FALSE(state_lock::take(directory.path()));
    }
    EXPECT_TRUE(state_lock::take(directory.path()));
    EXPECT_FALSE(state_lock::take(directory.path() / "absent"));
}

}  // namespace
}  // namespace agent::cli::test
