// A hub with one owner and one client, for tests of what the authorization server keeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "hub/oauth/store.hpp"
#include "hub/tenancy/setup.hpp"
#include "tests/common/db/database_test.hpp"

namespace hub::oauth {

inline constexpr std::string_view verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";  // RFC 7636, appendix B
inline constexpr std::string_view hub_mcp = "https://hub.example.com/mcp";

class store_fixture : public tests::database_test {
protected:
    using list = std::vector<std::string>;

    void SetUp() override {
        database_test::SetUp();
        if (HasFatalFailure()) return;
        made_ = tenancy::initialise(*db_, {"Acme", "Ada", "ada@example.org"}, clock()).value();
        rows_ = std::make_unique<store>(*db_, clock());
        client fields;
        fields.name = "Editor";
        fields.redirect_uris = {"http://localhost/cb"};
        client_ = rows_->register_client(fields).value().id;
    }

    tenancy::clock_function clock() {
        return [this] { return now_.load(); };
    }

    std::string begin(const list& scopes = {"mcp:tools", "offline_access"}) {
        authorization_request request;
        request.client_id = client_;
        request.redirect_uri = "http://localhost:5/cb";
        request.scopes = scopes;
        request.code_challenge = common::crypto::base64url_encode(common::crypto::sha256(verifier));
        request.audience = hub_mcp;
        request.nonce = "n";
        return rows_->begin_authorization(request).value();
    }
    std::string allow(const list& scopes = {"mcp:tools"}) {
        return rows_->approve(begin(), {made_.owner.id, made_.first_workspace.id, scopes}).value();
    }
    code_exchange exchange_of(const std::string& code) const {
        return {code, client_, "http://localhost:5/cb", std::string(verifier), std::string(hub_mcp)};
    }
    issued_tokens tokens(const list& scopes = {"mcp:tools"}) {
        return rows_->redeem(exchange_of(allow(scopes))).value().value();
    }
    std::expected<issued_tokens, token_refusal> refresh(const std::string& token, const list& scopes = {}) {
        return rows_->refresh({token, client_, scopes, {}}).value();
    }
    // Does it give access?
    bool works(const std::string& access_token) {
        const auto found = rows_->find_access_token(common::crypto::sha256(access_token));
        return found && !found->revoked && found->expires_at > now_;
    }
    list audited() {
        tenancy::store accounts(*db_, clock());
        list actions;
        for (const auto& e : accounts.list_audit(made_.first_workspace.id, {}).value()) actions.push_back(e.action);
        return actions;
    }

    std::atomic<std::int64_t> now_ = 1'800'000'000'000;
    tenancy::setup_result made_;
    std::unique_ptr<store> rows_;
    std::string client_;
};

}  // namespace hub::oauth
