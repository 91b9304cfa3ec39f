#include "agent/link/remote_body.hpp"

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "proto/limits.hpp"

namespace agent::link {

boost::asio::awaitable<proto::result<std::string>> remote_body::next() {
    if (const auto taken = std::exchange(taken_, 0); taken > 0 && !cancelled_) grant_(taken);
    // The hub gives up after as long; this is for a hub that does not.
    const auto deadline =
        std::chrono::steady_clock::now() + 2 * std::chrono::milliseconds(proto::limits::upload_stall_ms_max);
    while (bytes_.empty() && !last_ && !cancelled_) {
        if (std::chrono::steady_clock::now() >= deadline)
            co_return proto::fail(proto::error_code::timeout, "The rest of the upload did not come.",
                                  "Send the file again.");
        std::ignore = co_await changed_.wait_until(deadline);
    }
    if (cancelled_) co_return proto::fail(proto::error_code::cancelled, "The upload broke off.");
    taken_ = bytes_.size();
    co_return std::exchange(bytes_, {});
}

void remote_body::push(std::string bytes, bool last) {
    bytes_ += bytes;
    last_ = last;
    changed_.notify_all();
}

void remote_body::cancel() {
    cancelled_ = true;
    changed_.notify_all();
}

boost::asio::awaitable<proto::result<std::string>> receive_upload(uploads::spool* files, proto::call_header header,
                                                                  std::string arguments,
                                                                  std::shared_ptr<remote_body> body) {
    if (header.tool != "codez.upload" || files == nullptr)
        co_return proto::fail(proto::error_code::unsupported_by_machine,
                              "This agent takes no files for " + header.tool + ".", "Update codez on the machine.");
    const auto asked = nlohmann::json::parse(arguments, nullptr, false);
    uploads::incoming what{header.who.key(), {}, header.body_bytes};
    if (asked.is_object() && asked.contains("name") && asked["name"].is_string()) what.name = asked["name"];
    auto made = co_await files->receive(std::move(what), *body);
    if (!made) co_return std::unexpected(std::move(made.error()));
    co_return uploads::to_json(*made);
}

}  // namespace agent::link
