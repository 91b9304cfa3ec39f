#include "tests/hub/links/hub_fixture.hpp"

#include <spdlog/sinks/ostream_sink.h>

#include "common/crypto/digest.hpp"

namespace tests {

namespace tenancy = hub::tenancy;

hub_fixture::hub_fixture()
    : db_(common::db::open("sqlite://" + (directory_.path() / "hub.db").string(), {.busy_timeout_ms = 50}).value()),
      store_(std::make_unique<tenancy::store>(*db_)),
      log_(common::log::format::human, common::log::level::info,
           std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_)),
      identity_{"hub_1", "hk1", origin, common::crypto::ed25519_key::generate()},
      links_(context_.get_executor()),
      host_(std::make_unique<hub::links::link_host>(context_.get_executor(), identity_, *store_, pool_, links_,
                                                    sessions_, log_, [this] { return now_; })) {
    EXPECT_TRUE(store_->migrate());
    workspace_ = store_->create_workspace("Acme").value().id;
    owner_ = store_->create_user("ada@example.org", "Ada").value().id;
    EXPECT_TRUE(store_->set_membership(workspace_, owner_, tenancy::role::owner));
}

hub_fixture::~hub_fixture() {
    pool_.stop();
    context_.abandon_handlers();
}

std::string hub_fixture::join_token(const std::string& workspace) {
    tenancy::join_token_options options;
    options.workspace_id = workspace;
    options.created_by = owner_;
    return store_->create_join_token(options).value().secret;
}

machine_identity hub_fixture::enrol(const std::string& name, const std::string& workspace) {
    machine_identity identity;
    tenancy::enrolment request;
    request.token_hash = common::crypto::sha256(join_token(workspace));
    request.public_key = identity.key.public_key();
    request.name = name;
    request.fields = {"0.1.0", "Linux", "x86_64", "host"};
    identity.id = store_->enroll(request).value().id;
    return identity;
}

common::net::http_request hub_fixture::link_request(const std::string& address) {
    common::net::http_request request;
    request.method = "GET";
    request.path = "/agent/v1/link";
    request.peer_address = address;
    return request;
}

std::shared_ptr<fake_machine> hub_fixture::dial(const machine_identity& identity, const std::string& address) {
    auto [hub_end, machine_end] = fake_channel::pair(context_.get_executor());
    const auto exchange = std::make_shared<fake_exchange>(link_request(address));
    exchange->channel = std::move(hub_end);
    boost::asio::co_spawn(context_, host_->handle(*exchange),
                          [exchange](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
    const auto machine = std::make_shared<fake_machine>(std::move(machine_end), identity, origin);
    boost::asio::co_spawn(context_, machine->run(machine), boost::asio::detached);
    return machine;
}

std::shared_ptr<fake_machine> hub_fixture::link_up(machine_identity& identity) {
    const auto machine = dial(identity);
    until([&] { return machine->welcome || machine->closed != 0; });
    EXPECT_TRUE(machine->welcome) << machine->closed << " " << machine->reason;
    if (machine->welcome) identity.link_counter = machine->welcome->link_counter;
    return machine;
}

std::shared_ptr<fake_exchange> hub_fixture::dial_refused(const common::net::http_request& request) {
    const auto exchange = std::make_shared<fake_exchange>(request);
    run(host_->handle(*exchange));
    return exchange;
}

void hub_fixture::pass(std::chrono::seconds time) {
    for (; time.count() > 0; --time) {
        now_ += std::chrono::seconds(1);
        host_->tick();
        settle();
    }
}

void hub_fixture::settle() {
    context_.restart();
    context_.poll();
}

proto::principal hub_fixture::who(const std::string& workspace) const {
    return {workspace, owner_, "k_1", "Ada", {"mcp:tools"}};
}

}  // namespace tests
