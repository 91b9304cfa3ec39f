#include "common/api/upload_request.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "common/api/api_error.hpp"
#include "proto/limits.hpp"

namespace common::api {

namespace {

namespace limits = proto::limits;

std::unexpected<net::http_response> refused(int status, std::string message, std::string hint,
                                            std::string_view request_id) {
    const proto::error e{proto::error_code::invalid_argument, std::move(message), std::move(hint), {}};
    return std::unexpected(json_answer(status, proto::to_json(e, request_id), request_id));
}

std::optional<std::uint64_t> length_of(const net::http_request& head) {
    const auto text = head.fields.find("Content-Length");
    std::uint64_t bytes = 0;
    if (!text) return std::nullopt;
    const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), bytes);
    if (ec != std::errc() || end != text->data() + text->size()) return std::nullopt;
    return bytes;
}

// Why the query cannot be used; empty if it can.
std::string read_query(const std::string& query, upload_request& out) {
    if (query.empty()) return {};
    const std::string target = "/?" + query;
    const auto url = boost::urls::parse_origin_form(target);
    if (!url) return "The query is not well formed.";
    for (const auto& parameter : url->params()) {
        if (parameter.key != "machine" && parameter.key != "name")
            return "The query may have `machine` and `name` only.";
        std::string& value = parameter.key == "machine" ? out.machine : out.name;
        if (!value.empty()) return fmt::format("`{}` may be given once only.", parameter.key);
        if (parameter.value.size() > limits::name_bytes_max)
            return fmt::format("`{}` may have at most {} bytes.", parameter.key, limits::name_bytes_max);
        value = parameter.value;
    }
    return {};
}

}  // namespace

bool is_upload(const net::http_request& head) { return head.path == uploads_path; }

std::expected<upload_request, net::http_response> read_upload_request(const net::http_request& head,
                                                                      std::string_view request_id) {
    if (head.method != "PUT") {
        auto answer = refused(405, "Files are uploaded by PUT.", "Use PUT with the file as the body.", request_id);
        answer.error().fields.add("Allow", "PUT");
        return answer;
    }
    upload_request out;
    if (auto wrong = read_query(head.query, out); !wrong.empty())
        return refused(400, std::move(wrong), "Send PUT /api/v1/uploads?machine=M&name=photo.png.", request_id);
    const auto bytes = length_of(head);
    if (!bytes)
        return refused(411, "An upload has to say how long it is.", "Send Content-Length, not chunks.", request_id);
    if (*bytes == 0) return refused(400, "The upload is empty.", "Send the file as the body.", request_id);
    if (*bytes > limits::call_body_bytes_max)
        return refused(413,
                       fmt::format("An upload may have at most {} MiB.", limits::call_body_bytes_max / limits::mib),
                       "Send a smaller file, or put it on the machine in another way.", request_id);
    out.bytes = *bytes;
    return out;
}

}  // namespace common::api
