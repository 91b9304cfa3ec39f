// The database's part of the handshake: who may link, who is a copy, and what a database that does not answer means.
#include "hub/links/link_host.hpp"

#include "proto/limits.hpp"
#include "tests/hub/links/hub_fixture.hpp"

namespace hub::links {
namespace {

class link_hosts : public tests::hub_fixture {
protected:
    // The close code of a dial that does not end well.
    std::uint16_t refused(const tests::machine_identity& identity) {
        const auto machine = dial(identity);
        until([&] { return machine->closed != 0 || machine->welcome; });
        EXPECT_FALSE(machine->welcome);
        EXPECT_FALSE(machine->reason.empty());
        return machine->closed;
    }
    // The machine has spoken since its welcome, and so has stored it.
    void speak(const std::shared_ptr<tests::fake_machine>& machine) {
        machine->link.send_sessions({});
        machine->act();
        settle();
    }
    tenancy::machine_state state_of(const tests::machine_identity& identity) { return stored(identity).state; }
};

TEST_F(link_hosts, a_machine_that_is_known_is_linked) {
    auto identity = enrol("box");
    const auto machine = link_up(identity);
    EXPECT_EQ(machine->welcome->machine_name, "box");
    EXPECT_EQ(machine->welcome->epoch, 1);
    EXPECT_EQ(machine->welcome->link_counter, 1U);
    const auto link = links_.find(identity.id);
    ASSERT_TRUE(link);
    EXPECT_EQ(link->workspace_id, workspace_);
    EXPECT_EQ(link->machine_name, "box");
    EXPECT_EQ(stored(identity).hostname, "host");
}

TEST_F(link_hosts, unknown_machines_and_wrong_keys_are_refused) {
    tests::machine_identity nobody;
    nobody.id = "m_nobody";
    EXPECT_EQ(refused(nobody), 4401);
    auto thief = enrol("box");
    thief.key = common::crypto::ed25519_key::generate();
    EXPECT_EQ(refused(thief), 4401);
    EXPECT_EQ(links_.size(), 0U);
    EXPECT_EQ(state_of(thief), tenancy::machine_state::active) << "only who holds the key can harm the machine";
}

TEST_F(link_hosts, revoked_and_quarantined_machines_are_refused) {
    const auto revoked = enrol("revoked");
    ASSERT_TRUE(store_->revoke_machine(workspace_, revoked.id, "user:x"));
    EXPECT_EQ(refused(revoked), 4403);
    const auto quarantined = enrol("quarantined");
    ASSERT_TRUE(store_->quarantine_machine(quarantined.id));
    EXPECT_EQ(refused(quarantined), 4409);
}

TEST_F(link_hosts, a_newer_link_takes_over) {
    auto identity = enrol("box");
    const auto older = link_up(identity);
    speak(older);
    const auto newer = link_up(identity);
    until([&] { return older->closed != 0; });
    EXPECT_EQ(older->closed, 4408);
    EXPECT_EQ(newer->closed, 0);
    EXPECT_EQ(links_.size(), 1U);
    EXPECT_EQ(links_.find(identity.id)->machine().epoch(), 2);
}

TEST_F(link_hosts, a_lost_welcome_is_no_copy) {
    auto identity = enrol("box");
    auto forgetful = identity;  // never stores the counter
    for (int i = 0; i < 3; ++i) {
        const auto machine = dial(forgetful);
        until([&] { return machine->welcome.has_value(); });
        machine->channel->cut();
        settle();
    }
    EXPECT_EQ(state_of(identity), tenancy::machine_state::active);
}

TEST_F(link_hosts, an_old_counter_is_a_copy) {
    auto identity = enrol("box");
    const auto copy = identity;
    link_up(identity)->channel->cut();
    const auto machine = link_up(identity);
    EXPECT_EQ(refused(copy), 4409);
    until([&] { return machine->closed != 0; });
    EXPECT_EQ(machine->closed, 4409) << "nobody knows which of the two is the copy";
    until([&] { return state_of(identity) == tenancy::machine_state::quarantined; });
    EXPECT_EQ(links_.size(), 0U);
    EXPECT_EQ(refused(identity), 4409);
}

TEST_F(link_hosts, a_counter_that_a_live_link_has_is_a_copy) {
    auto identity = enrol("box");
    const auto copy = identity;
    const auto machine = link_up(identity);
    speak(machine);
    EXPECT_EQ(refused(copy), 4409);
    until([&] { return machine->closed == 4409 && state_of(identity) == tenancy::machine_state::quarantined; });
}

TEST_F(link_hosts, a_copy_is_seen_also_if_both_shake_hands_at_once) {
    const auto identity = enrol("box");
    const auto first = dial(identity);
    const auto second = dial(identity);
    first->on_call = second->on_call = [](const auto&) {};
    // Whichever is first speaks at once; the other's handshake began before.
    until([&] {
        for (const auto& one : {first, second}) {
            if (one->welcome && one->closed == 0) {
                one->link.send_sessions({});
                one->act();
            }
        }
        return first->closed != 0 || second->closed != 0;
    });
    // One of them took over from the other, or was seen to be a copy: never do both live on.
    EXPECT_LE(links_.size(), 1U);
    EXPECT_TRUE(first->closed == 4408 || second->closed == 4408 || first->closed == 4409 || second->closed == 4409);
}

TEST_F(link_hosts, a_counter_from_the_future_means_that_the_hub_was_restored) {
    auto identity = enrol("box");
    identity.link_counter = 40;
    const auto machine = link_up(identity);
    EXPECT_EQ(machine->welcome->link_counter, 41U);
    const auto audit = store_->list_audit(workspace_, {}).value();
    EXPECT_TRUE(std::ranges::any_of(audit, [](const auto& e) { return e.result == "hub_restored"; }));
}

TEST_F(link_hosts, a_database_that_does_not_answer_sends_machines_away_for_a_moment) {
    const auto identity = enrol("box");
    const auto other = common::db::open("sqlite://" + (directory_.path() / "hub.db").string()).value();
    (void)other->transaction([&](common::db::connection&) { EXPECT_EQ(refused(identity), 4503); });
    EXPECT_EQ(state_of(identity), tenancy::machine_state::active);
    const auto machine = dial(identity);
    until([&] { return machine->welcome.has_value(); });
}

TEST_F(link_hosts, a_busy_pool_sends_machines_away_for_a_moment) {
    const auto identity = enrol("box");
    pool_.stop();
    EXPECT_EQ(refused(identity), 4503);
}

TEST_F(link_hosts, web_pages_are_no_machines) {
    auto request = link_request();
    request.fields.add("Origin", "https://hub.example.com");
    const auto exchange = dial_refused(request);
    EXPECT_EQ(exchange->status, 403);
    EXPECT_FALSE(exchange->json()["message"].get<std::string>().empty());
}

TEST_F(link_hosts, the_unproven_are_few_from_one_address_and_in_all) {
    tests::machine_identity silent;
    std::vector<std::pair<std::unique_ptr<tests::fake_channel>, std::shared_ptr<tests::fake_exchange>>> open;
    const auto knock = [&](const std::string& address) {
        auto [hub_end, machine_end] = tests::fake_channel::pair(context_.get_executor());
        const auto exchange = std::make_shared<tests::fake_exchange>(link_request(address));
        exchange->channel = std::move(hub_end);
        open.emplace_back(std::move(machine_end), exchange);
        boost::asio::co_spawn(context_, host().handle(*exchange), [exchange](const std::exception_ptr&) {});
        settle();
        return exchange->status;
    };
    for (std::size_t i = 0; i < proto::limits::handshake_pending_per_address_max; ++i) EXPECT_EQ(knock("192.0.2.1"), 0);
    EXPECT_EQ(knock("192.0.2.1"), 503);
    EXPECT_EQ(knock("192.0.2.2"), 0) << "others may";
    for (std::size_t i = 2; open.size() < proto::limits::handshake_pending_max + 1; ++i)
        EXPECT_EQ(knock("198.51.100." + std::to_string(i)), 0);
    EXPECT_EQ(knock("203.0.113.1"), 503) << "the hub is full of strangers";
    open.front().first->cut();
    settle();
    EXPECT_EQ(knock("203.0.113.1"), 0) << "one has gone";
}

TEST_F(link_hosts, whoever_is_linked_is_no_stranger_any_more) {
    std::vector<tests::machine_identity> identities;
    std::vector<std::shared_ptr<tests::fake_machine>> machines;
    for (std::size_t i = 0; i < proto::limits::handshake_pending_per_address_max + 3; ++i) {
        auto identity = enrol("box" + std::to_string(i));
        machines.push_back(link_up(identity));  // all from one address
    }
    EXPECT_EQ(links_.size(), machines.size());
}

}  // namespace
}  // namespace hub::links
