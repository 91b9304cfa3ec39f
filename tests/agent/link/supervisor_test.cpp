// Dialling, and dialling again, against hubs in memory; with no jitter, so that no attempt waits.
#include "agent/link/supervisor.hpp"

#include <spdlog/sinks/null_sink.h>

#include "tests/agent/events/log_fixture.hpp"
#include "tests/agent/link/fake_hub.hpp"
#include "tests/agent/tools/fake_engine.hpp"

namespace agent::link::test {
namespace {

using common::crypto::ed25519_key;
using proto::close_code;

class no_tools final : public common::mcp::backend {
public:
    std::string tools(const proto::principal&) override { return "[]"; }
    bool has_tool(std::string_view) const override { return false; }
    std::string instructions() const override { return {}; }
    boost::asio::awaitable<proto::result<void>> call(const common::mcp::tool_call&,
                                                     common::mcp::call_reply& reply) override {
        const bool heard = co_await reply.write("{}");
        std::ignore = heard;
        co_return proto::result<void>();
    }
};

class supervisor_test : public events::test::log_test {
protected:
    supervisor_test() {
        log_now_ = log_.get();
        files_.config = files_.state = directory_.path();
        link_settings settings;
        settings.hub_url = "https://hub.example.com";
        settings.machine_id = "m_1";
        settings.machine_name = "old name";
        settings.workspace_id = "w";
        settings.hub_keys = {{"k", hub_key_.public_key()}};
        EXPECT_TRUE(save_link_settings(files_.link_file(), settings));
        supervisor_config config{files_, settings, machine_key_};
        config.random = [] { return 0.0; };
        config.dial = [this](common::net::websocket_client_options options) { return dial(std::move(options)); };
        link_.emplace(io_.get_executor(), std::move(config), tools_, *log_, engine_, uploads_, logger_);
        link_->on_renamed([this](const std::string& name) { name_ = name; });
    }
    void run() {
        boost::asio::co_spawn(io_, link_->run(), [this](const std::exception_ptr& thrown) {
            if (thrown) std::rethrow_exception(thrown);
            over_ = true;
        });
    }

    using dialled = std::expected<std::unique_ptr<common::net::websocket_channel>, common::net::connect_error>;
    boost::asio::awaitable<dialled> dial(common::net::websocket_client_options options) {
        ++dials_;
        urls_.push_back(options.url);
        if (failures_ > 0) {
            --failures_;
            co_return std::unexpected(
                common::net::connect_error{common::net::connect_failure::refused, "nothing listens there", 0});
        }
        auto w = std::make_shared<wire>(io_.get_executor());
        auto hub = std::make_unique<fake_hub>(
            w,
            [this](std::string_view text, std::string_view signature) {
                return ed25519_key::verify(machine_key_.public_key(), text, signature);
            },
            [this](std::string_view text) { return hub_key_.sign(text); }, "https://hub.example.com", "k");
        hub->record.link_counter = counter_;
        hub->admitted.epoch = static_cast<std::int64_t>(hubs_.size()) + 1;
        hub->admitted.machine_name = "new name";
        hub->refusal = refusal_;
        hubs_.push_back(std::move(hub));
        wires_.push_back(w);
        co_return std::make_unique<fake_channel>(w);
    }
    template <class Condition>
    void until(Condition condition) {
        while (!condition()) {
            io_.restart();
            for (const auto& hub : hubs_) {
                hub->step();
                counter_ = std::max(counter_, hub->record.link_counter);
            }
            if (!condition()) io_.run_one_for(std::chrono::milliseconds(20));
        }
    }
    bool linked(std::size_t nth) const {
        return hubs_.size() == nth && hubs_.back()->established() && link_->status().linked;
    }
    std::uint64_t stored_counter() const { return load_link_settings(files_.link_file())->link_counter; }

    events::log* log_now_ = nullptr;
    tools::test::fake_engine engine_{io_.get_executor(), log_now_};
    no_tools tools_;
    common::log::logger logger_{common::log::format::human, common::log::level::error,
                                std::make_shared<spdlog::sinks::null_sink_mt>()};
    ed25519_key machine_key_ = ed25519_key::generate();
    ed25519_key hub_key_ = ed25519_key::generate();
    paths files_;
    common::async::blocking_pool pool_{1, 16};
    uploads::spool uploads_{pool_, directory_.path() / "uploads", {[] { return std::int64_t{0}; }}};
    std::optional<supervisor> link_;
    std::vector<std::unique_ptr<fake_hub>> hubs_;
    std::vector<std::shared_ptr<wire>> wires_;
    std::vector<std::string> urls_;
    std::optional<std::pair<close_code, std::string>> refusal_;
    std::uint64_t counter_ = 0;
    std::string name_;
    int dials_ = 0;
    int failures_ = 0;
    bool over_ = false;
};

TEST_F(supervisor_test, links_stores_and_takes_the_name_that_the_hub_gives) {
    EXPECT_FALSE(link_->status().linked);
    EXPECT_FALSE(link_->status().trouble.empty());
    run();
    until([this] { return linked(1); });
    EXPECT_EQ(urls_.at(0), "wss://hub.example.com/agent/v1/link");
    EXPECT_EQ(stored_counter(), 1u);
    EXPECT_EQ(name_, "new name");
    EXPECT_EQ(load_link_settings(files_.link_file())->machine_name, "new name");
    EXPECT_TRUE(link_->status().trouble.empty());
    EXPECT_EQ(hubs_[0]->hello.log_id, log_->log_id());
}

TEST_F(supervisor_test, tries_again_until_the_hub_is_there_and_says_why_it_is_not) {
    failures_ = 5;
    run();
    until([this] { return dials_ == 3; });
    EXPECT_NE(link_->status().trouble.find("nothing listens there"), std::string::npos);
    until([this] { return linked(1); });
    EXPECT_EQ(dials_, 6);
}

TEST_F(supervisor_test, links_again_after_each_loss_with_the_counter_of_the_last_one) {
    run();
    for (std::size_t n = 1; n <= 4; ++n) {
        until([&] { return linked(n); });
        EXPECT_EQ(hubs_.back()->hello.link_counter, n - 1);
        EXPECT_EQ(stored_counter(), n);
        wires_.back()->cut();
    }
}

TEST_F(supervisor_test, stops_dialling_where_only_a_person_can_help) {
    for (const auto code : {close_code::revoked, close_code::key_conflict}) {
        over_ = false;
        refusal_ = std::pair(code, std::string("A sentence of the hub's."));
        run();
        until([this] { return over_; });
        EXPECT_NE(link_->status().trouble.find("A sentence of the hub's."), std::string::npos);
        EXPECT_NE(link_->status().trouble.find("restarted"), std::string::npos);
    }
    EXPECT_EQ(dials_, 2);
}

TEST_F(supervisor_test, a_machine_that_waits_for_approval_or_was_superseded_tries_again) {
    refusal_ = std::pair(close_code::auth, std::string("Waits for approval."));
    run();
    until([this] { return dials_ == 3; });
    EXPECT_NE(link_->status().trouble.find("Waits for approval."), std::string::npos);
    refusal_.reset();
    until([this] { return !hubs_.empty() && hubs_.back()->established(); });
    const auto before = dials_;
    hubs_.back()->close(close_code::superseded, "A newer link took over.");
    until([&] { return dials_ > before && hubs_.back()->established(); });
}

TEST_F(supervisor_test, a_hub_that_takes_this_machine_for_a_copy_is_final) {
    run();
    until([this] { return linked(1); });
    counter_ = 10;  // somebody linked with this key meanwhile
    wires_.back()->cut();
    until([this] { return over_; });
    EXPECT_EQ(dials_, 2);
    EXPECT_FALSE(link_->status().linked);
}

TEST_F(supervisor_test, while_the_counter_cannot_be_stored_it_does_not_run_ahead) {
    run();
    until([this] { return linked(1); });
    const auto obstacle = files_.link_file().string() + ".new";
    std::filesystem::create_directories(obstacle + "/x");
    wires_.back()->cut();
    until([this] { return link_->status().trouble.find("link.json") != std::string::npos; });
    for (int i = 0; i < 20; ++i) {
        io_.restart();
        io_.run_one_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(dials_, 2) << "the hub is at most one ahead of the file";
    EXPECT_EQ(stored_counter(), 1u);
    std::filesystem::remove_all(obstacle);
    until([this] { return linked(3); });
    EXPECT_EQ(hubs_.back()->hello.link_counter, 2u);
    EXPECT_EQ(stored_counter(), 3u);
}

TEST_F(supervisor_test, a_draining_hub_gets_a_successor_and_its_calls_end_on_it) {
    run();
    until([this] { return linked(1); });
    failures_ = 3;  // it takes no new links any more
    hubs_[0]->drain();
    until([this] { return linked(2); });
    EXPECT_TRUE(hubs_[0]->drained);
    until([this] { return hubs_[0]->closed.has_value(); });
    EXPECT_TRUE(link_->status().linked);
}

TEST_F(supervisor_test, stopping_ends_links_waits_and_dials) {
    failures_ = 1'000'000;
    run();
    until([this] { return dials_ > 0; });
    link_->stop();
    until([this] { return over_; });
    const auto before = dials_;

    over_ = false;
    run();
    until([this] { return over_; });
    EXPECT_EQ(dials_, before) << "once stopped it stays so";
}

TEST_F(supervisor_test, stopping_closes_an_open_link_with_a_reason) {
    run();
    until([this] { return linked(1); });
    link_->stop();
    until([this] { return over_ && hubs_[0]->closed; });
    EXPECT_EQ(hubs_[0]->closed->reason, "The agent stops.");
    EXPECT_EQ(dials_, 1);
}

}  // namespace
}  // namespace agent::link::test
