#include "common/mcp/result_frame.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/mcp/client_terms.hpp"
#include "common/mcp/engine.hpp"
#include "common/mcp/rpc_text.hpp"

namespace common::mcp {
namespace {

constexpr std::string_view spaces = " \t\r\n";

std::string_view type_name(result_kind kind) {
    if (kind == result_kind::input_required) return "input_required";
    return kind == result_kind::task ? "task" : "complete";
}

}  // namespace

std::string server_info(const engine_options& options) {
    return fmt::format(R"({{"name":{},"title":{},"version":{}}})", quote_json(options.server_name),
                       quote_json(options.server_title), quote_json(options.server_version));
}

std::string own_members(const engine_options& options, const client_terms& terms, result_kind kind,
                        std::string_view meta) {
    if (!terms.is_modern()) return meta.empty() ? std::string() : fmt::format(R"("_meta":{{{}}})", meta);
    std::string members = fmt::format(R"("resultType":"{}","_meta":{{"io.modelcontextprotocol/serverInfo":{}{}{}}})",
                                      type_name(kind), server_info(options), meta.empty() ? "" : ",", meta);
    const bool is_list = kind == result_kind::list;
    // What a caller sees depends on its rights, so nobody may keep it for others.
    if (is_list || kind == result_kind::resource) {
        const auto fresh = is_list ? options.lists_fresh_for : options.resources_fresh_for;
        members += fmt::format(R"(,"ttlMs":{},"cacheScope":"private")", fresh.count());
    }
    return members;
}

result_frame::result_frame(std::string_view id, std::string own_members) : id_(id), members_(std::move(own_members)) {}

std::string result_frame::take(std::string_view piece) {
    std::string out;
    if (piece.empty()) return out;
    if (at_ == at::start) {
        out = fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":)", id_);
        at_ = members_.empty() ? at::inside : at::before_object;
    }
    if (at_ == at::before_object) {
        const std::size_t brace = piece.find_first_not_of(spaces);
        if (brace == std::string_view::npos) return out;
        out += '{';
        out += members_;
        piece.remove_prefix(brace + 1);
        at_ = at::before_member;
    }
    if (at_ == at::before_member) {
        const std::size_t first = piece.find_first_not_of(spaces);
        if (first == std::string_view::npos) return out;
        piece.remove_prefix(first);
        if (piece.front() != '}') out += ',';
        at_ = at::inside;
    }
    out += piece;
    return out;
}

std::string with_members(std::string_view members, std::string_view object) {
    const std::size_t first = object.find_first_not_of(spaces, object.find('{') + 1);
    if (first == std::string_view::npos) return fmt::format("{{{}}}", members);
    return fmt::format("{{{}{}{}", members, object[first] == '}' ? "" : ",", object.substr(first));
}

std::string framed(std::string_view id, std::string own_members, std::string_view object) {
    result_frame frame(id, std::move(own_members));
    std::string text = frame.take(object);
    text += result_frame::tail;
    return text;
}

}  // namespace common::mcp
