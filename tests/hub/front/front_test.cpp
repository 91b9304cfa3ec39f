// Every request to the hub: who is let in, where it goes, and with which status others are told no.
#include "hub/front/front.hpp"

#include "common/crypto/random.hpp"
#include "common/mcp/engine.hpp"
#include "hub/identity/verifier.hpp"
#include "tests/common/mcp/schema_check.hpp"
#include "tests/hub/links/hub_fixture.hpp"

namespace hub::front {
namespace {

using fields = std::vector<std::pair<std::string, std::string>>;

// Answers with the name of who called.
class naming_backend final : public common::mcp::backend {
public:
    std::string tools(const proto::principal& who) override {
        return R"([{"name":"for )" + who.name + R"(","inputSchema":{"type":"object"}}])";
    }
    bool has_tool(std::string_view) const override { return false; }
    std::string instructions() const override { return {}; }
    boost::asio::awaitable<proto::result<void>> call(const common::mcp::tool_call&, common::mcp::call_reply&) override {
        co_return proto::result<void>();
    }
};

class fronts : public tests::hub_fixture {
protected:
    void SetUp() override {
        common::mcp::engine_options options;
        options.seal = [](std::string_view plain, std::string_view) { return std::string(plain); };
        options.open = [](std::string_view sealed, std::string_view) { return std::string(sealed); };
        options.random_token = common::crypto::random_token;
        engine_ = std::make_unique<common::mcp::engine>(backend_, std::move(options));
        const auto handler = [](std::string& hits, std::string name) {
            return [&hits, name](common::net::http_exchange& exchange) -> boost::asio::awaitable<void> {
                hits += name;
                co_await exchange.respond({204, {}, {}});
            };
        };
        front_handlers handlers;
        handlers.link = handler(reached_, "link");
        handlers.enroll = handler(reached_, "enroll");
        handlers.upload = [this](common::net::http_exchange& exchange,
                                 const proto::principal& who) -> boost::asio::awaitable<void> {
            reached_ += "upload of " + who.name;
            co_await exchange.respond({201, {}, {}});
        };
        handlers.authorization_server = [this](common::net::http_exchange& exchange,
                                               oauth::endpoint which) -> boost::asio::awaitable<void> {
            reached_ += which == oauth::endpoint::token ? "token" : "authorization server";
            co_await exchange.respond({200, {}, "{}"});
        };
        handlers.is_page = [](std::string_view path) { return path == "/own"; };
        handlers.pages = handler(reached_, "own");
        handlers.wrong_credential = [this](const common::net::http_request&) { return wait_; };
        front_ = std::make_unique<front>(front_options{origin, {"https://app.example.com"}}, verifier_, *engine_,
                                         std::move(handlers));
        tenancy::api_key_options key;
        key.workspace_id = workspace_;
        key.user_id = owner_;
        key.name = "test";
        key.scopes = {"mcp:tools"};
        key_ = store_->create_api_key(key).value().secret;
    }

    std::shared_ptr<tests::fake_exchange> ask(const std::string& method, const std::string& path,
                                              const fields& more = {}, const std::string& body = {}) {
        common::net::http_request request;
        request.method = method;
        request.path = path;
        request.body = body;
        bool has_host = false;
        for (const auto& [name, value] : more) {
            request.fields.add(name, value);
            has_host = has_host || name == "Host";
        }
        if (!has_host) request.fields.add("Host", "hub.example.com");
        added_ = front_->answer_fields(request);
        const auto exchange = std::make_shared<tests::fake_exchange>(std::move(request));
        run(front_->handle(*exchange));
        EXPECT_EQ(exchange->answers, 1);
        if (exchange->body.find("jsonrpc") != std::string::npos) {
            EXPECT_EQ(common::mcp::test::check_message("2025-03-26", exchange->json(), "tools/list"), "");
        }
        return exchange;
    }
    std::shared_ptr<tests::fake_exchange> list_tools(const fields& credential) {
        fields all = credential;
        all.emplace_back("Content-Type", "application/json");
        return ask("POST", "/mcp", all, R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})");
    }

    naming_backend backend_;
    identity::verifier verifier_{*store_, pool_};
    std::unique_ptr<common::mcp::engine> engine_;
    std::unique_ptr<front> front_;
    common::net::http_fields added_;  // what the listener would add to the last answer
    std::string reached_;
    std::string key_;
    std::optional<std::chrono::milliseconds> wait_;
};

TEST_F(fronts, a_key_gets_to_the_tools) {
    for (const fields& credential : {fields{{"Authorization", "Bearer " + key_}}, fields{{"X-Codez-Api-Key", key_}}}) {
        const auto answer = list_tools(credential);
        EXPECT_EQ(answer->status, 200);
        EXPECT_EQ(answer->json()["result"]["tools"][0]["name"], "for Ada");
    }
}

TEST_F(fronts, no_credential_is_challenged_and_a_wrong_one_is_told_to_be_wrong) {
    const std::string challenge =
        "Bearer resource_metadata=\"https://hub.example.com/.well-known/oauth-protected-resource/mcp\", scope=\"mcp:tools\"";
    const auto absent = list_tools({});
    EXPECT_EQ(absent->status, 401);
    EXPECT_EQ(absent->field("WWW-Authenticate"), challenge);
    EXPECT_EQ(absent->field("Cache-Control"), "no-store");
    EXPECT_EQ(absent->json()["error"], "unauthorized");
    for (const std::string& wrong : {key_ + "x", std::string("czk_") + std::string(40, 'a'), std::string("x")}) {
        const auto refused = list_tools({{"Authorization", "Bearer " + wrong}});
        EXPECT_EQ(refused->status, 401);
        EXPECT_EQ(refused->field("WWW-Authenticate"), challenge + ", error=\"invalid_token\"");
        EXPECT_EQ(refused->body.find(wrong), std::string::npos) << "a credential is never repeated";
    }
    EXPECT_EQ(ask("GET", "/mcp")->status, 401);
}

TEST_F(fronts, whoever_tries_keys_is_told_to_wait_and_a_right_key_still_works) {
    wait_ = std::chrono::milliseconds(1500);
    const auto refused = list_tools({{"Authorization", "Bearer " + key_ + "x"}});
    EXPECT_EQ(refused->status, 429);
    EXPECT_EQ(refused->field("Retry-After"), "2");
    EXPECT_EQ(list_tools({{"Authorization", "Bearer " + key_}})->status, 200);
    EXPECT_EQ(list_tools({})->status, 401) << "no credential is no attempt";
}

TEST_F(fronts, a_credential_of_another_form_is_a_bad_request) {
    EXPECT_EQ(list_tools({{"Authorization", "Basic YTpi"}})->status, 400);
    EXPECT_EQ(list_tools({{"X-Codez-Api-Key", "a"}, {"Authorization", "Bearer b"}})->status, 400);
}

TEST_F(fronts, a_database_that_does_not_answer_is_no_wrong_credential) {
    const auto other = common::db::open("sqlite://" + (directory_.path() / "hub.db").string()).value();
    (void)other->transaction([&](common::db::connection&) {
        const auto answer = list_tools({{"X-Codez-Api-Key", key_}});
        EXPECT_EQ(answer->status, 503);
        EXPECT_EQ(answer->field("Retry-After"), "1");
    });
    EXPECT_EQ(list_tools({{"X-Codez-Api-Key", key_}})->status, 200);
}

TEST_F(fronts, other_hosts_and_origins_get_nowhere) {
    const auto elsewhere = ask("POST", "/mcp", {{"Host", "evil.org"}, {"X-Codez-Api-Key", key_}});
    EXPECT_EQ(elsewhere->status, 421);
    const auto page = ask("POST", "/mcp", {{"Origin", "https://evil.org"}, {"X-Codez-Api-Key", key_}});
    EXPECT_EQ(page->status, 403);
    for (const char* path : {"/agent/v1/link", "/agent/v1/enroll", "/authorize", "/oauth/authorize", "/consent"}) {
        EXPECT_EQ(ask("GET", path, {{"Host", "evil.org"}})->status, 421);
        EXPECT_EQ(ask("GET", path, {{"Origin", "https://evil.org"}})->status, 403);
    }
    EXPECT_EQ(ask("POST", "/token", {{"Host", "evil.org"}})->status, 421);
    EXPECT_EQ(reached_, "");
}

TEST_F(fronts, a_browser_may_ask_without_a_credential_what_a_page_may_send) {
    const auto preflight = [&](const std::string& from, const std::string& path = "/mcp") {
        return ask("OPTIONS", path, {{"Origin", from}, {"Access-Control-Request-Method", "POST"}}, "ignored");
    };
    for (const char* page : {"https://app.example.com", "https://hub.example.com"})
        for (const char* path : {"/mcp", "/mcp/", "/authorize", "/nothing"}) {
            const auto answer = preflight(page, path);
            EXPECT_EQ(answer->status, 204) << page << path;
            EXPECT_EQ(answer->field("Access-Control-Allow-Methods"), "GET, POST, DELETE, OPTIONS");
            EXPECT_EQ(added_.find("Access-Control-Allow-Origin"), page);
        }
    for (const char* page :
         {"https://evil.org", "null", "https://app.example.com.evil.org", "http://app.example.com"}) {
        EXPECT_EQ(preflight(page)->status, 403) << page;
        EXPECT_EQ(added_.count("Access-Control-Allow-Origin"), 0u) << page;
    }
    const auto two = ask("OPTIONS", "/mcp",
                         {{"Origin", "https://app.example.com"},
                          {"Origin", "https://evil.org"},
                          {"Access-Control-Request-Method", "POST"}});
    EXPECT_EQ(two->status, 403);
    EXPECT_EQ(added_.count("Access-Control-Allow-Origin"), 0u);
    EXPECT_EQ(ask("OPTIONS", "/mcp", {{"Origin", "https://app.example.com"}})->status, 401) << "no preflight";
    EXPECT_EQ(ask("OPTIONS", "/mcp", {{"X-Codez-Api-Key", key_}})->status, 405);
    EXPECT_EQ(reached_, "");
}

TEST_F(fronts, pages_of_allowed_origins_can_read_every_answer) {
    const std::pair<std::string, std::string> page{"Origin", "https://app.example.com"};
    for (const fields& credential :
         {fields{page}, fields{page, {"X-Codez-Api-Key", key_}}, fields{page, {"Authorization", "Basic x"}}}) {
        list_tools(credential);
        EXPECT_EQ(added_.find("Access-Control-Allow-Origin"), "https://app.example.com");
        EXPECT_EQ(added_.find("Vary"), "Origin");
        EXPECT_EQ(added_.count("Access-Control-Allow-Credentials"), 0u);
    }
    list_tools({{"X-Codez-Api-Key", key_}});
    EXPECT_EQ(added_.count("Access-Control-Allow-Origin"), 0u) << "no page asks";
    ask("GET", "/.well-known/oauth-protected-resource", {page});
    EXPECT_EQ(added_.find("Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(added_.count("Access-Control-Allow-Origin"), 1u);
    ask("GET", "/.well-known/oauth-protected-resource");
    EXPECT_EQ(added_.find("Access-Control-Allow-Origin"), "*");
    ask("POST", "/mcp", {page, {"Host", "evil.org"}});
    EXPECT_EQ(added_.count("Access-Control-Allow-Origin"), 0u);
}

TEST_F(fronts, pages_of_any_origin_may_read_metadata_and_ask_for_tokens) {
    const std::pair<std::string, std::string> page{"Origin", "https://inspector.example.org"};
    for (const char* path : {"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server",
                             "/.well-known/openid-configuration", "/token", "/oauth/register", "/revoke", "/jwks"}) {
        const auto preflight = ask("OPTIONS", path, {page, {"Access-Control-Request-Method", "POST"}});
        EXPECT_EQ(preflight->status, 204) << path;
        EXPECT_NE(preflight->field("Access-Control-Allow-Headers").find("MCP-Protocol-Version"), std::string::npos);
        EXPECT_EQ(added_.find("Access-Control-Allow-Origin"), "*") << path;
        EXPECT_EQ(added_.count("Access-Control-Allow-Credentials"), 0u);
        EXPECT_EQ(ask("GET", path, {page})->status, 200) << path;
        EXPECT_EQ(added_.find("Access-Control-Allow-Origin"), "*") << path;
    }
}

TEST_F(fronts, every_answer_by_https_keeps_browsers_there) {
    for (const char* path : {"/mcp", "/own", "/jwks", "/nothing"}) {
        ask("GET", path);
        EXPECT_EQ(added_.find("Strict-Transport-Security"), "max-age=31536000") << path;
    }
    const front plain(front_options{"http://127.0.0.1:8080", {}}, verifier_, *engine_, {});
    EXPECT_EQ(plain.answer_fields({}).count("Strict-Transport-Security"), 0u) << "without TLS";
}

TEST_F(fronts, the_authorization_server_has_two_names_for_each_door) {
    ask("POST", "/token");
    ask("POST", "/oauth/token");
    EXPECT_EQ(reached_, "tokentoken");
}

TEST_F(fronts, a_key_that_is_wrong_does_not_lead_into_oauth) {
    const auto refused = list_tools({{"X-Codez-Api-Key", key_ + "x"}});
    EXPECT_EQ(refused->status, 401);
    EXPECT_EQ(refused->field("WWW-Authenticate"), "ApiKey realm=\"codez\", error=\"invalid_token\"");
    EXPECT_EQ(ask("POST", "/key/mcp")->field("WWW-Authenticate"), "ApiKey realm=\"codez\"");
    EXPECT_EQ(ask("GET", "/.well-known/oauth-protected-resource/key/mcp")->status, 404);
    EXPECT_EQ(ask("POST", "/key/mcp", {{"X-Codez-Api-Key", key_}, {"Content-Type", "application/json"}},
                  R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})")
                  ->status,
              200);
}

TEST_F(fronts, every_mcp_path_has_a_challenge_and_metadata_that_spell_it_as_the_client_does) {
    for (const std::string path : {"/mcp", "/mcp/", "/mcp/claude-code", "/mcp/jobs/", "/mcp/full"}) {
        const auto metadata = "/.well-known/oauth-protected-resource" + path;
        const auto challenged = ask("POST", path)->field("WWW-Authenticate");
        EXPECT_EQ(challenged,
                  "Bearer resource_metadata=\"https://hub.example.com" + metadata + "\", scope=\"mcp:tools\"");
        const auto body = ask("GET", metadata)->json();
        EXPECT_EQ(body["resource"], "https://hub.example.com" + path);
        EXPECT_EQ(body["authorization_servers"], nlohmann::json::array({"https://hub.example.com"}));
        EXPECT_EQ(body["scopes_supported"], nlohmann::json::array({"mcp:tools"})) << "never offline_access";
    }
}

TEST_F(fronts, machines_have_their_own_doors) {
    EXPECT_EQ(ask("GET", "/agent/v1/link")->status, 204);
    EXPECT_EQ(ask("POST", "/agent/v1/enroll")->status, 204);
    EXPECT_EQ(reached_, "linkenroll");
}

TEST_F(fronts, the_resource_says_what_it_is) {
    for (const char* path : {"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"}) {
        const auto answer = ask("GET", path);
        EXPECT_EQ(answer->status, 200);
        EXPECT_EQ(answer->field("Content-Type"), "application/json");
        EXPECT_EQ(answer->json()["resource"], "https://hub.example.com/mcp");
        EXPECT_EQ(answer->json()["bearer_methods_supported"], nlohmann::json::array({"header"}));
        EXPECT_EQ(ask("HEAD", path)->status, 200);
        const auto wrong = ask("POST", path);
        EXPECT_EQ(wrong->status, 405);
        EXPECT_EQ(wrong->field("Allow"), "GET, HEAD");
    }
}

TEST_F(fronts, pages_of_the_hub_are_for_itself) {
    EXPECT_EQ(ask("GET", "/own")->status, 204);
    EXPECT_EQ(ask("GET", "/own/x")->status, 404);
    EXPECT_EQ(ask("POST", "/own", {{"Origin", "https://evil.org"}})->status, 403);
    EXPECT_EQ(ask("GET", "/own", {{"Host", "evil.org"}})->status, 421);
    EXPECT_EQ(reached_, "own");
    ask("GET", "/own", {{"Origin", "https://app.example.com"}});
    EXPECT_EQ(added_.count("Access-Control-Allow-Origin"), 0u);
}

TEST_F(fronts, uploads_need_a_key_as_calls_do) {
    EXPECT_EQ(ask("PUT", "/api/v1/uploads", {{"X-Codez-Api-Key", key_}})->status, 201);
    EXPECT_EQ(reached_, "upload of Ada");
    for (const fields& credential : {fields{}, fields{{"X-Codez-Api-Key", key_ + "x"}}}) {
        const auto refused = ask("PUT", "/api/v1/uploads", credential);
        EXPECT_EQ(refused->status, 401);
        EXPECT_NE(refused->field("WWW-Authenticate"), "");
    }
    EXPECT_EQ(reached_, "upload of Ada");
}

TEST_F(fronts, anything_else_is_not_there) {
    for (const char* path :
         {"/", "/mcp/x", "/mcpx", "/agent", "/agent/v1/link/", "/.well-known/", "/../mcp", "/MCP", ""})
        EXPECT_EQ(ask("GET", path, {{"X-Codez-Api-Key", key_}})->status, 404) << path;
    EXPECT_EQ(ask("POST", "/mcp/", {{"X-Codez-Api-Key", key_}, {"Content-Type", "application/json"}},
                  R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})")
                  ->status,
              200);
}

}  // namespace
}  // namespace hub::front
