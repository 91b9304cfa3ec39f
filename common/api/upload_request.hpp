// PUT /api/v1/uploads?machine=…&name=…: what hub and agent read of it before the file comes. Plain values.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/net/http.hpp"

namespace common::api {

constexpr std::string_view uploads_path = "/api/v1/uploads";

struct upload_request {
    std::string machine;  // id or name; empty: the only one there is
    std::string name;     // the file's, as the client says; may be empty
    std::uint64_t bytes = 0;
};

// For listener_options::leaves_body: uploads are read by their handler.
bool is_upload(const net::http_request& head);

// The error is the answer to give.
std::expected<upload_request, net::http_response> read_upload_request(const net::http_request& head,
                                                                      std::string_view request_id);

}  // namespace common::api
