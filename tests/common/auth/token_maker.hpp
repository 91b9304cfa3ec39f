// An authorization server's keys, made on the spot, and tokens signed with them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/types.h>
#include <nlohmann/json.hpp>

namespace test {

class signing_key {
public:
    enum class kind { ec, rsa, ed25519, ec384, rsa1024 };
    signing_key(kind k, std::string kid);

    // The public half as a JWK, with kid, use and alg.
    nlohmann::json jwk() const;
    // The alg that its JWK has.
    std::string algorithm() const;
    // A JWS signature by that alg, or "PS256".
    std::string sign(std::string_view message, std::string_view algorithm) const;
    std::string public_pem() const;

private:
    kind kind_;
    std::string kid_;
    std::shared_ptr<EVP_PKEY> key_;
};

nlohmann::json key_set_json(std::initializer_list<nlohmann::json> keys);

std::string encode(const nlohmann::json& part);
// With alg and kid of the key in the header, unless it has its own.
std::string make_token(const signing_key& key, nlohmann::json claims, nlohmann::json header = {{"typ", "at+jwt"}});

}  // namespace test
