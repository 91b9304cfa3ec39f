#include "common/auth/credential.hpp"

#include <string_view>

namespace common::auth {

namespace {

constexpr std::size_t credential_bytes_max = 8192;  // a JWT of another authorization server

bool is_scheme(std::string_view value, std::string_view scheme) {
    if (value.size() < scheme.size()) return false;
    for (std::size_t i = 0; i < scheme.size(); ++i)
        if ((value[i] | 0x20) != scheme[i]) return false;
    return value.size() == scheme.size() || value[scheme.size()] == ' ';
}

}  // namespace

std::expected<std::string, std::string> find_credential(const common::net::http_request& request) {
    if (request.fields.count("Authorization") > 1 || request.fields.count("X-Codez-Api-Key") > 1)
        return std::unexpected("Send one credential, in one header.");
    const auto key = request.fields.find("X-Codez-Api-Key");
    const auto authorization = request.fields.find("Authorization");
    std::string bearer;
    if (authorization) {
        if (!is_scheme(*authorization, "bearer"))
            return std::unexpected("The Authorization header must be of the form: Bearer CREDENTIAL.");
        bearer = authorization->size() > 7 ? authorization->substr(7) : std::string_view();
        bearer.erase(0, bearer.find_first_not_of(' '));
    }
    if (key && authorization && *key != bearer) return std::unexpected("Send one credential, in one header.");
    std::string credential = key ? std::string(*key) : bearer;
    if (credential.size() > credential_bytes_max) return std::unexpected("The credential is too long.");
    return credential;
}

}  // namespace common::auth
