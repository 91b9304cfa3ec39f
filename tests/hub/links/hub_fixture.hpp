// The hub's machinery without sockets: a database in a temporary file, a workspace, and machines that link through memory.
// Tests run the loop until a condition holds; time passes only by host().tick().
#pragma once

#include <map>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/async/program_context.hpp"
#include "common/log/logger.hpp"
#include "hub/directory/sessions.hpp"
#include "hub/links/link_host.hpp"
#include "hub/links/registry.hpp"
#include "hub/tenancy/store.hpp"
#include "tests/common/db/database_test.hpp"
#include "tests/hub/links/fake_exchange.hpp"
#include "tests/hub/links/fake_machine.hpp"

namespace tests {

class hub_fixture : public testing::Test {
protected:
    static constexpr const char* origin = "https://hub.example.com";
    using clock = std::chrono::steady_clock;

    hub_fixture();
    ~hub_fixture() override;

    std::string join_token(const std::string& workspace);
    machine_identity enrol(const std::string& name, const std::string& workspace);
    machine_identity enrol(const std::string& name) { return enrol(name, workspace_); }

    // Dials; the handshake goes on while the loop runs.
    std::shared_ptr<fake_machine> dial(const machine_identity& identity, const std::string& address = "192.0.2.1");
    // Dials and waits for the welcome; stores its counter.
    std::shared_ptr<fake_machine> link_up(machine_identity& identity);
    // The answer to a dial that the hub refuses over HTTP.
    std::shared_ptr<fake_exchange> dial_refused(const common::net::http_request& request);
    static common::net::http_request link_request(const std::string& address = "192.0.2.1");

    // Runs the loop until the condition holds; fails the test if it does not within 20 s.
    template <class Condition>
    bool until(Condition holds) {
        const auto deadline = clock::now() + std::chrono::seconds(20);
        while (!holds()) {
            context_.restart();
            context_.run_one_until(deadline);
            if (clock::now() < deadline) continue;
            ADD_FAILURE() << "waited in vain";
            return false;
        }
        return true;
    }
    // Until nothing is left that could run now.
    void settle();

    template <class T>
    T run(boost::asio::awaitable<T> work) {
        std::optional<T> out;
        bool ended = false;
        boost::asio::co_spawn(context_, std::move(work), [&](const std::exception_ptr& thrown, T value) {
            EXPECT_FALSE(thrown);
            ended = true;
            out = std::move(value);
        });
        until([&] { return ended; });
        return std::move(out).value();
    }
    void run(boost::asio::awaitable<void> work) {
        bool ended = false;
        boost::asio::co_spawn(context_, std::move(work), [&](const std::exception_ptr& thrown) {
            EXPECT_FALSE(thrown);
            ended = true;
        });
        until([&] { return ended; });
    }

    hub::links::link_host& host() { return *host_; }
    // Time goes by, in steps of a second, and what it makes happen happens.
    void pass(std::chrono::seconds time);

    hub::tenancy::machine stored(const machine_identity& identity) {
        return store_->get_machine_for_link(identity.id).value();
    }
    proto::principal who(const std::string& workspace) const;
    proto::principal who() const { return who(workspace_); }

    clock::time_point now_ = clock::now();
    temporary_directory directory_;
    common::async::program_context context_{1};
    std::unique_ptr<common::db::database> db_;
    std::unique_ptr<hub::tenancy::store> store_;
    common::async::blocking_pool pool_{2, 64};
    std::ostringstream log_text_;
    common::log::logger log_;
    hub::links::hub_identity identity_;
    hub::links::registry links_;
    hub::directory::sessions sessions_;
    std::unique_ptr<hub::links::link_host> host_;
    std::string workspace_;
    std::string owner_;
};

}  // namespace tests
