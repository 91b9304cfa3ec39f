#include "hub/relay/fan_out.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "proto/limits.hpp"

namespace hub::relay {

namespace asio = boost::asio;
namespace limits = proto::limits;
using proto::error_code;

namespace {

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

// What the asking coroutines share; it outlives whichever of them ends last.
struct round {
    explicit round(asio::any_io_executor executor) : finished(executor, asio::steady_timer::time_point::max()) {}

    std::vector<machine_answer> answers;
    std::vector<std::shared_ptr<links::remote_call>> calls;
    std::vector<bool> answered;
    std::function<bool(const machine_answer&)> until;
    std::size_t open = 0;
    std::size_t next = 0;
    bool over = false;
    asio::steady_timer finished;
};

proto::result<nlohmann::json> structured(const std::string& bytes) {
    auto parsed = nlohmann::json::parse(bytes, nullptr, false);
    if (parsed.is_object()) {
        const auto found = parsed.find("structuredContent");
        if (found != parsed.end() && found->is_object()) return std::move(*found);
    }
    return proto::fail(error_code::internal, "The machine's answer has no structuredContent.");
}

asio::awaitable<proto::result<nlohmann::json>> whole_answer(std::shared_ptr<links::remote_call> call) {
    std::string bytes;
    for (;;) {
        auto part = co_await call->next();
        if (!part) co_return std::unexpected(std::move(part.error().error));
        if (!*part) co_return structured(bytes);
        const auto* piece = std::get_if<std::string>(&**part);
        if (piece == nullptr) continue;
        if (bytes.size() + piece->size() > limits::result_bytes_max) {
            call->cancel({error_code::resource_exhausted, "The machine's answer is too large.", "Ask for less.", {}});
            continue;
        }
        bytes += *piece;
    }
}

}  // namespace

asio::awaitable<std::vector<machine_answer>> fan_out::collect(proto::call_header header, std::string arguments,
                                                              std::chrono::milliseconds timeout,
                                                              std::function<bool(const machine_answer&)> until) {
    std::vector<std::string> each(machines_.size(), arguments);
    return collect(std::move(header), std::move(each), timeout, std::move(until));
}

asio::awaitable<std::vector<machine_answer>> fan_out::collect(proto::call_header header,
                                                              std::vector<std::string> arguments,
                                                              std::chrono::milliseconds timeout,
                                                              std::function<bool(const machine_answer&)> until) {
    const auto executor = co_await asio::this_coro::executor;
    const auto state = std::make_shared<round>(executor);
    header.deadline_ms = timeout.count();
    state->until = std::move(until);
    for (const auto& one : machines_) {
        const proto::error pending{error_code::timeout, "The machine did not answer in time.", "Try again.", {}};
        state->answers.push_back({one->machine().machine().machine_id, one->machine_name, std::unexpected(pending)});
    }
    state->calls.resize(machines_.size());

    // One worker takes machine after machine, so that no more are asked at once than there are workers.
    const auto worker = [](std::shared_ptr<round> shared, std::vector<std::shared_ptr<links::link>> machines,
                           proto::call_header head, std::vector<std::string> each) -> asio::awaitable<void> {
        while (!shared->over && shared->next < machines.size()) {
            const std::size_t i = shared->next++;
            auto call = machines[i]->call(head, each[i]);
            if (!call) {
                shared->answers[i].result = std::unexpected(std::move(call.error()));
            } else {
                shared->calls[i] = *call;
                auto result = co_await whole_answer(*call);
                shared->calls[i].reset();
                if (!shared->over) shared->answers[i].result = std::move(result);
            }
            if (!shared->over && shared->until && shared->until(shared->answers[i])) {
                shared->over = true;
                shared->finished.cancel();
            }
        }
        if (--shared->open == 0) shared->finished.cancel();
    };
    const std::size_t workers = std::min(machines_.size(), limits::fan_out_machines_max);
    state->open = workers;
    for (std::size_t i = 0; i < workers; ++i)
        asio::co_spawn(executor, worker(state, machines_, header, arguments), asio::detached);

    if (workers > 0) {
        state->finished.expires_after(timeout);
        auto [ec] = co_await state->finished.async_wait(as_tuple);
        (void)ec;
    }
    state->over = true;
    for (const auto& call : state->calls)
        if (call) call->cancel({error_code::cancelled, "Enough machines have answered.", {}, {}});
    co_return std::move(state->answers);
}

}  // namespace hub::relay
