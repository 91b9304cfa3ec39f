// Which of a machine's links is the machine, and waiting for one.
#include "hub/links/registry.hpp"

#include "tests/hub/links/hub_fixture.hpp"

namespace hub::links {
namespace {

// Admits every machine with the epoch and into the workspace that the test says.
class scripted_owner final : public link_owner {
public:
    boost::asio::awaitable<void> authenticate(std::shared_ptr<link> from, proto::hello) override {
        from->machine().accept_hello({public_key, 0, false}, to_ms(std::chrono::steady_clock::now()), 0);
        from->act();
        co_return;
    }
    boost::asio::awaitable<void> admit(std::shared_ptr<link> from, proto::hub_action::verified) override {
        from->workspace_id = workspace;
        proto::admission admission;
        admission.epoch = epoch;
        admission.link_counter = 1;
        from->machine().admit(admission);
        from->act();
        co_return;
    }
    void conflict(link&, const proto::hub_action::key_conflict&) override {}
    void established(const std::shared_ptr<link>& from) override { up = from; }
    void event(link&, const proto::hub_action::event_received&) override {}
    void sessions(link&, const proto::sessions_snapshot&) override {}
    void closed(link&, std::uint16_t, const std::string&) override {}

    std::string public_key;
    std::string workspace = "w_1";
    std::int64_t epoch = 1;
    std::shared_ptr<link> up;
};

class registries : public tests::hub_fixture {
protected:
    // A link of machine `id` that is up.
    std::shared_ptr<link> up(const std::string& id, std::int64_t epoch, const std::string& workspace = "w_1") {
        tests::machine_identity identity;
        identity.id = id;
        owner_.public_key = identity.key.public_key();
        owner_.epoch = epoch;
        owner_.workspace = workspace;
        owner_.up = nullptr;
        auto [hub_end, machine_end] = tests::fake_channel::pair(context_.get_executor());
        proto::hub_link_config config;
        config.hub_id = "hub_1";
        config.hub_kid = "hk1";
        config.hub_origin = origin;
        config.make_nonce = [] { return std::string(32, 'n'); };
        config.sign = [](std::string_view) { return std::string(64, 's'); };
        config.verify = &common::crypto::ed25519_key::verify;
        const auto one = std::make_shared<link>(std::move(hub_end), std::move(config), owner_);
        boost::asio::co_spawn(context_, one->run(), boost::asio::detached);
        const auto machine = std::make_shared<tests::fake_machine>(std::move(machine_end), identity, origin);
        boost::asio::co_spawn(context_, machine->run(machine), boost::asio::detached);
        until([&] { return owner_.up != nullptr; });
        return one;
    }
    static clock::time_point soon() { return clock::now() + std::chrono::hours(1); }

    scripted_owner owner_;
    registry all_{context_.get_executor()};
};

TEST_F(registries, the_newer_link_replaces_the_older) {
    const auto older = up("m_1", 1);
    const auto newer = up("m_1", 2);
    EXPECT_EQ(all_.add(older), nullptr);
    EXPECT_EQ(all_.find("m_1"), older);
    EXPECT_EQ(all_.add(newer), older);
    EXPECT_EQ(all_.find("m_1"), newer);
    EXPECT_EQ(all_.size(), 1U);
    all_.remove(*older);
    EXPECT_EQ(all_.find("m_1"), newer) << "what was replaced has nothing to remove";
    all_.remove(*newer);
    EXPECT_EQ(all_.find("m_1"), nullptr);
    EXPECT_TRUE(all_.of_workspace("w_1").empty());
}

TEST_F(registries, a_link_whose_epoch_was_overtaken_does_not_get_in) {
    const auto older = up("m_1", 1);
    const auto newer = up("m_1", 2);
    EXPECT_EQ(all_.add(newer), nullptr);
    EXPECT_EQ(all_.add(older), older) << "to be closed";
    EXPECT_EQ(all_.find("m_1"), newer);
}

TEST_F(registries, lists_the_links_of_one_workspace) {
    const auto b = up("m_b", 1);
    const auto a = up("m_a", 1);
    const auto other = up("m_c", 1, "w_2");
    for (const auto& one : {b, a, other}) all_.add(one);
    EXPECT_EQ(all_.of_workspace("w_1"), (std::vector{a, b}));
    EXPECT_EQ(all_.of_workspace("w_2"), std::vector{other});
    EXPECT_TRUE(all_.of_workspace("w_3").empty());
}

TEST_F(registries, whoever_waits_for_a_machine_gets_it_when_it_links) {
    const auto one = up("m_1", 1);
    std::shared_ptr<link> found;
    bool any = false;
    boost::asio::co_spawn(context_, all_.wait_for("m_1", soon()),
                          [&](const std::exception_ptr&, std::shared_ptr<link> got) { found = std::move(got); });
    boost::asio::co_spawn(context_, all_.wait_for_any({"w_3", "w_1"}, soon()),
                          [&](const std::exception_ptr&) { any = true; });
    all_.add(up("m_2", 1, "w_2"));
    settle();
    EXPECT_FALSE(found);
    EXPECT_FALSE(any);
    all_.add(one);
    until([&] { return found != nullptr && any; });
    EXPECT_EQ(found, one);
    EXPECT_EQ(run(all_.wait_for("m_1", clock::now())), one) << "there already";
}

TEST_F(registries, waiting_ends_at_the_deadline_and_with_the_hub) {
    EXPECT_EQ(run(all_.wait_for("m_1", clock::now())), nullptr);
    bool ended = false;
    boost::asio::co_spawn(context_, all_.wait_for("m_1", soon()),
                          [&](const std::exception_ptr&, const std::shared_ptr<link>& got) { ended = !got; });
    settle();
    EXPECT_FALSE(ended);
    all_.stop_waiting();
    until([&] { return ended; });
    EXPECT_EQ(run(all_.wait_for("m_2", soon())), nullptr) << "and nobody waits any more";
}

}  // namespace
}  // namespace hub::links
