// The hub's own core with the conformance suite's tools in place of the relay: real front, real authentication, real
// engine. An API key is made at start and written into the port file.
//
//   hub_fixture DIRECTORY PORT_FILE

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>

#include "common/async/blocking_pool.hpp"
#include "common/db/database.hpp"
#include "hub/front/front.hpp"
#include "hub/identity/verifier.hpp"
#include "hub/tenancy/setup.hpp"
#include "hub/tenancy/store.hpp"
#include "tests/conformance/fixture/fixture_backend.hpp"
#include "tests/conformance/fixture/program.hpp"

namespace {

namespace asio = boost::asio;

template <class Result>
auto value_of(Result made) {
    if (!made) throw std::runtime_error(made.error().message);
    return std::move(*made);
}

asio::awaitable<void> not_here(common::net::http_exchange& exchange) {
    co_await exchange.respond({404, {}, "This program has no machines.\n"});
}

void run(const std::filesystem::path& directory, const std::filesystem::path& port_file) {
    const auto database = value_of(common::db::open("sqlite://" + (directory / "hub.db").string()));
    const auto made = value_of(hub::tenancy::initialise(*database, {"main", "owner", ""}));
    hub::tenancy::store store(*database);
    const common::crypto::sealer sealer(value_of(store.load_or_create_keys()).sealing_keys);

    asio::io_context context(1);
    common::async::blocking_pool pool(2, 64);
    hub::identity::verifier verifier(store, pool);
    conformance::fixture_backend tools;
    common::mcp::engine engine(tools, conformance::make_engine_options(sealer));
    std::optional<hub::front::front> front;
    const auto listener = conformance::listen(
        context, [&front](common::net::http_exchange& exchange) { return front->handle(exchange); },
        [&front](const common::net::http_request& request) { return front->answer_fields(request); });
    hub::front::front_handlers handlers;
    handlers.link = not_here;
    handlers.enroll = not_here;
    handlers.upload = [](common::net::http_exchange& exchange, const proto::principal&) { return not_here(exchange); };
    handlers.authorization_server = [](common::net::http_exchange& exchange, hub::oauth::endpoint) {
        return not_here(exchange);
    };
    front.emplace(hub::front::front_options{"http://127.0.0.1:" + std::to_string(listener->port()), {}}, verifier,
                  engine, std::move(handlers));
    conformance::serve(context, *listener, port_file, {{"api_key", made.key.secret}});
    pool.stop();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: hub_fixture DIRECTORY PORT_FILE\n";
        return 2;
    }
    try {
        run(argv[1], argv[2]);
        return 0;
    } catch (const std::exception& e) {
        std::cerr << "hub_fixture: " << e.what() << '\n';
        return 1;
    }
}
