#include "common/api/api_error.hpp"

#include <utility>

namespace common::api {

int status_of(proto::error_code code) {
    using enum proto::error_code;
    switch (code) {
        case not_found:
        case machine_revoked:
            return 404;
        case invalid_argument:
        case cursor_invalid:
        case cursor_expired:
            return 400;
        case permission_denied:
        case policy_denied:
        case recursion_limit_exceeded:
            return 403;
        case machine_ambiguous:
        case session_busy:
        case idempotency_conflict:
            return 409;
        case resource_exhausted:
            return 429;
        case unsupported_by_machine:
            return 501;
        case unknown_outcome:
            return 502;
        case machine_offline:
        case route_unavailable:
        case cancelled:
            return 503;
        case timeout:
            return 504;
        case internal:
            return 500;
    }
    return 500;
}

net::http_response json_answer(int status, std::string body, std::string_view request_id) {
    net::http_response response{status, {}, std::move(body)};
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "no-store");
    response.fields.add("X-Request-Id", std::string(request_id));
    return response;
}

net::http_response error_answer(const proto::error& e, std::string_view request_id) {
    return json_answer(status_of(e.code), proto::to_json(e, request_id), request_id);
}

}  // namespace common::api
