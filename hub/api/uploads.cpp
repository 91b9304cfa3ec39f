#include "hub/api/uploads.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include "common/api/api_error.hpp"
#include "common/api/upload_request.hpp"
#include "common/crypto/random.hpp"
#include "hub/links/link.hpp"
#include "proto/limits.hpp"

namespace hub::api {

namespace asio = boost::asio;
namespace limits = proto::limits;
using common::api::error_answer;
using proto::error_code;

namespace {

// A machine tells of a file in a few lines.
constexpr std::size_t answer_bytes_max = 16 * limits::kib;

proto::error told(const links::call_failure& failure) {
    if (!failure.link_lost) return failure.error;
    return {error_code::machine_offline,
            "The machine's link ended before it had the whole file.",
            "Send the file again in a moment; what had come is dropped.",
            {}};
}

bool may_write(const proto::principal& who) { return who.has_scope("sessions:write"); }

std::unexpected<proto::error> may_not_write() {
    return proto::fail(error_code::permission_denied,
                       "This needs the scope sessions:write, which the credential does not have there.",
                       "Use a credential with that scope.");
}

proto::error left() { return {error_code::cancelled, "The client went away.", {}, {}}; }

// The machine's answer, after it has all of the file or has said no.
asio::awaitable<std::expected<std::string, proto::error>> answer_of(std::shared_ptr<links::remote_call> call) {
    std::string text;
    for (;;) {
        auto part = co_await call->next();
        if (!part) co_return std::unexpected(told(part.error()));
        if (!*part) co_return text;
        if (const auto* bytes = std::get_if<std::string>(&**part)) text += *bytes;
        if (text.size() > answer_bytes_max)
            call->cancel(
                {error_code::internal, "The machine's answer is too long.", "Update codez on that machine.", {}});
    }
}

// The client's bytes, until all have gone on or the call is over. Otherwise what to answer about their not coming.
asio::awaitable<std::optional<common::net::http_response>> send_on(common::net::http_exchange& exchange,
                                                                   links::remote_call& call) {
    constexpr std::chrono::milliseconds stall(limits::upload_stall_ms_max);
    struct listening {
        links::remote_call& to;
        ~listening() { to.on_over({}); }
    } const until_return{call};
    // A machine that says no, or is lost, may do so while the client sends nothing.
    call.on_over([&exchange] { exchange.stop_reading(); });
    for (;;) {
        auto piece = co_await exchange.read_body();
        if (call.is_over()) co_return std::nullopt;
        if (!piece) co_return std::move(piece.error());
        if (piece->empty()) co_return std::nullopt;
        const bool takes = co_await call.send_body(std::move(*piece), stall);
        if (!takes) co_return std::nullopt;
    }
}

}  // namespace

// Of the bounds on uploads that are on their way.
class uploads::place {
public:
    place(uploads& all, std::string key) : all_(all), key_(std::move(key)) {
        ++all_.in_flight_;
        ++all_.in_flight_of_[key_];
    }
    ~place() {
        --all_.in_flight_;
        if (--all_.in_flight_of_[key_] == 0) all_.in_flight_of_.erase(key_);
    }
    place(const place&) = delete;
    place& operator=(const place&) = delete;

    bool fits() const {
        return all_.in_flight_ <= limits::uploads_in_flight_max &&
               all_.in_flight_of_[key_] <= limits::uploads_in_flight_per_principal_max;
    }

private:
    uploads& all_;
    std::string key_;
};

asio::awaitable<void> uploads::handle(common::net::http_exchange& exchange, const proto::principal& who) {
    const std::string request_id = "req_" + common::crypto::random_token(20);
    const auto asked = common::api::read_upload_request(exchange.request(), request_id);
    if (!asked) {
        co_await exchange.respond(asked.error());
        co_return;
    }
    relay::audited_call where;
    auto outcome = co_await pass_on(exchange, who, *asked, request_id, where);
    const bool broke_off = outcome && outcome->status != 201;
    const proto::result<void> told = broke_off  ? std::unexpected(left())
                                     : !outcome ? std::unexpected(outcome.error())
                                                : proto::result<void>();
    audit_.record_upload(who, where, told);
    if (!outcome)
        co_await exchange.respond(error_answer(outcome.error(), request_id));
    else if (outcome->status != 0)
        co_await exchange.respond(std::move(*outcome));
}

asio::awaitable<proto::result<common::net::http_response>> uploads::pass_on(common::net::http_exchange& exchange,
                                                                            const proto::principal& who,
                                                                            const common::api::upload_request& asked,
                                                                            std::string request_id,
                                                                            relay::audited_call& where) {
    if (!may_write(who)) co_return may_not_write();
    const place taken(*this, who.key());
    if (!taken.fits())
        co_return proto::fail(error_code::resource_exhausted, "Too many uploads are on their way.",
                              "Send the file again when some of them have ended.");
    auto link = co_await machines_.by_name(who, asked.machine);
    if (!link) co_return std::unexpected(std::move(link.error()));
    where.workspace_id = (*link)->workspace_id;
    where.machine_id = (*link)->machine().machine().machine_id;
    // With several workspaces, not in each of them.
    if (const auto there = who.within(where.workspace_id); !there || !may_write(*there)) co_return may_not_write();

    constexpr std::chrono::milliseconds patience(limits::upload_ms_max);
    proto::call_header header;
    header.tool = "codez.upload";
    header.who = who;
    header.deadline_ms = patience.count();
    header.request_id = request_id;
    header.body_bytes = asked.bytes;
    const nlohmann::json arguments{{"name", asked.name}};
    auto started = (*link)->call(header, arguments.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    if (!started) co_return std::unexpected(std::move(started.error()));
    const auto call = *started;

    asio::steady_timer deadline(co_await asio::this_coro::executor);
    deadline.expires_after(patience);
    deadline.async_wait([call](const boost::system::error_code& ec) {
        if (!ec) call->cancel({error_code::timeout, "The upload took too long.", "Send the file again.", {}});
    });
    auto unread = co_await send_on(exchange, *call);
    if (unread) {
        call->cancel(left());
        co_return std::move(*unread);
    }
    exchange.on_peer_closed([call] { call->cancel(left()); });
    auto answer = co_await answer_of(call);
    exchange.on_peer_closed({});
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    co_return common::api::json_answer(201, std::move(*answer), request_id);
}

}  // namespace hub::api
