#include "hub/oauth/answers.hpp"

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace hub::oauth {

using common::net::http_response;

namespace {

http_response answer_of(int status, const nlohmann::json& body, std::string caching) {
    http_response answer{status, {}, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
    answer.fields.add("Content-Type", "application/json");
    answer.fields.add("Cache-Control", std::move(caching));
    return answer;
}

}  // namespace

http_response json_answer(int status, const nlohmann::json& body) { return answer_of(status, body, "no-store"); }

http_response public_answer(const nlohmann::json& body) { return answer_of(200, body, "public, max-age=300"); }

http_response error_answer(int status, std::string_view error, std::string_view description) {
    return json_answer(status, {{"error", error}, {"error_description", description}});
}

http_response unavailable_answer() {
    auto answer = error_answer(503, "temporarily_unavailable", "The hub is busy. Try again in a moment.");
    answer.fields.add("Retry-After", "1");
    return answer;
}

http_response database_answer(const tenancy::error& e) {
    if (e.code == tenancy::errc::unavailable || e.code == tenancy::errc::in_doubt) return unavailable_answer();
    return error_answer(500, "server_error", "The hub failed. Tell its operator; the log says more.");
}

http_response too_many_answer(std::chrono::milliseconds wait) {
    auto answer = error_answer(429, "temporarily_unavailable", "Too many requests from this address. Try again later.");
    answer.fields.add("Retry-After", std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()));
    return answer;
}

http_response wrong_method_answer(std::string_view allowed) {
    auto answer = error_answer(405, "invalid_request", "Use " + std::string(allowed) + " here.");
    answer.fields.add("Allow", std::string(allowed));
    return answer;
}

}  // namespace hub::oauth
