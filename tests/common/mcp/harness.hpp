// An engine with a back end that tests script, and the requests that clients really send.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include "common/mcp/engine.hpp"
#include "tests/common/mcp/fake_backend.hpp"
#include "tests/common/mcp/fake_exchange.hpp"

namespace common::mcp::test {

// Waits until somebody opens it.
class gate {
public:
    explicit gate(boost::asio::io_context& io) : timer_(io, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::awaitable<void> wait();
    void open();

private:
    boost::asio::steady_timer timer_;
    bool is_open_ = false;
};

constexpr std::string_view text_result = R"({"content":[{"type":"text","text":"ok"}]})";

struct modern_extras {
    std::string capabilities = "{}";
    std::string meta;         // further raw members of _meta
    net::http_fields fields;  // more, or in place of those of the same name; an empty value removes
    std::string id = "7";
};

struct harness {
    harness() : harness(engine_options{}) {}
    explicit harness(engine_options options, offered_features offered = {});

    // A POST with the fields of the TypeScript SDK. Further fields replace those of the same name; an empty value
    // removes.
    std::unique_ptr<fake_exchange> make_post(std::string body, const net::http_fields& more = {}) const;
    std::unique_ptr<fake_exchange> make(std::string method, const net::http_fields& fields, std::string body) const;

    // Begins an exchange; run() runs until all that were begun have been answered.
    void begin(fake_exchange& exchange);
    void begin(fake_exchange& exchange, const proto::principal& as);
    void run();

    std::unique_ptr<fake_exchange> post(std::string body, const net::http_fields& more = {});
    std::unique_ptr<fake_exchange> post_as(const proto::principal& as, std::string body, const net::http_fields& more);
    // The id of a new session.
    std::string initialize(std::string_view version, std::string_view raw_capabilities = "{}");

    // Requests of 2026-07-28, with all that one has to say; `params` are further raw members.
    std::unique_ptr<fake_exchange> make_modern(std::string_view method, std::string_view params = "",
                                               const modern_extras& extras = {}) const;
    std::unique_ptr<fake_exchange> modern(std::string_view method, std::string_view params = "",
                                          const modern_extras& extras = {});
    // GET of a session's stream.
    std::unique_ptr<fake_exchange> make_get(const std::string& session, const std::string& last_event_id = "") const;

    void finish(const fake_exchange& exchange);
    // Runs until that exchange is over, or the condition holds.
    void run_to_end(const fake_exchange& exchange);
    void run_until(const std::function<bool()>& condition);

    // What is wrong with what was answered, by the schema of the exchange's revision; every answer is checked.
    void check(const fake_exchange& exchange);

    boost::asio::io_context io;
    fake_backend backend;
    proto::principal who{"w_1", "u_1", "k_1", "Ada", {"mcp:tools"}};
    proto::principal stranger{"w_1", "u_2", "k_2", "Eve", {"mcp:tools"}};
    engine subject;
    std::vector<std::string> bugs;
    int running = 0;
    std::set<const fake_exchange*> open;  // begun and not completed
    std::map<std::string, std::string, std::less<>> session_versions;
};

// A tools/call request of that tool.
std::string call_body(std::string_view tool, std::string_view more_params = "", std::string_view id = "7");

// Of every JSON-RPC answer: version, an id that is a string or an integer, exactly one of result and error.
void expect_response(const nlohmann::json& message, const nlohmann::json& id);
void expect_rpc_error(const fake_exchange& exchange, int status, int code);

}  // namespace common::mcp::test
