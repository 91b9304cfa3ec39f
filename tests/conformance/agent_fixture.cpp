// The agent's local endpoint with the conformance suite's tools in place of the agent's: real front, real engine.
//
//   agent_fixture PORT_FILE

#include <iostream>
#include <optional>

#include "agent/local/local_front.hpp"
#include "common/crypto/random.hpp"
#include "tests/conformance/fixture/fixture_backend.hpp"
#include "tests/conformance/fixture/program.hpp"

namespace {

void run(const std::filesystem::path& port_file) {
    const common::crypto::sealer sealer(common::crypto::random_bytes(common::crypto::sealer::key_size));
    boost::asio::io_context context(1);
    conformance::fixture_backend tools;
    common::mcp::engine engine(tools, conformance::make_engine_options(sealer));
    std::optional<agent::local::local_front> front;
    const auto listener = conformance::listen(
        context, [&front](common::net::http_exchange& exchange) { return front->handle(exchange); },
        [&front](const common::net::http_request& request) { return front->answer_fields(request); });
    const std::string port = std::to_string(listener->port());
    front.emplace(
        engine, agent::local::socket_address{listener->address(), listener->port()}, agent::local::user_of_peer,
        [](const auto&, const auto&) { return agent::local::caller_session{true, {}, 0}; },
        std::vector<std::string>{"http://127.0.0.1:" + port, "http://localhost:" + port});
    conformance::serve(context, *listener, port_file);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: agent_fixture PORT_FILE\n";
        return 2;
    }
    try {
        run(argv[1]);
        return 0;
    } catch (const std::exception& e) {
        std::cerr << "agent_fixture: " << e.what() << '\n';
        return 1;
    }
}
