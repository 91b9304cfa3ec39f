// A message of the link from a hostile peer: through the codec, the JSON inside, and both state machines.
#include <algorithm>
#include <string>
#include <type_traits>
#include <variant>

#include "proto/agent_link.hpp"
#include "proto/frame.hpp"
#include "proto/hub_link.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

namespace {

void decode_json(std::string_view json) {
    (void)proto::decode_hello(json);
    (void)proto::decode_challenge(json);
    (void)proto::decode_auth(json);
    (void)proto::decode_welcome(json);
    (void)proto::decode_call_header(json);
    (void)proto::decode_progress(json);
    (void)proto::decode_sessions(json);
    (void)proto::decode_ask(json);
    if (const auto answers = proto::decode_answers(json)) (void)proto::encode(*answers);
}

void decode_frames(std::string_view message) {
    proto::frame_reader reader(message);
    for (;;) {
        auto next = reader.next();
        if (!next || !*next) return;
        std::visit(
            [](const auto& frame) {
                using type = std::decay_t<decltype(frame)>;
                if constexpr (requires { frame.json; }) decode_json(frame.json);
                if constexpr (std::is_same_v<type, proto::call_frame>) decode_json(frame.header);
            },
            **next);
    }
}

constexpr std::int64_t now = 1'000'000;

// The peer's messages one after the other, each led by its length in two bytes.
template <class Link>
void talk(Link& link, std::string_view input) {
    link.on_open(now);
    for (std::int64_t at = now; input.size() >= 2; ++at) {
        const std::size_t length = static_cast<unsigned char>(input[0]) * 256U + static_cast<unsigned char>(input[1]);
        input.remove_prefix(2);
        link.on_message(input.substr(0, length), at);
        input.remove_prefix(std::min(length, input.size()));
        for (const auto& action : link.take_actions()) {
            if constexpr (std::is_same_v<Link, proto::hub_link>) {
                using namespace proto::hub_action;
                if (std::holds_alternative<authenticate>(action)) link.accept_hello({"key", 0, false}, at, at);
                if (std::holds_alternative<verified>(action)) link.admit({1, 1, "active", 0, 0, "machine"});
                if (std::holds_alternative<established>(action)) {
                    proto::call_header header;
                    header.tool = "events.read";
                    header.request_id = "req_1";
                    header.abilities = {std::string(proto::form_ability)};
                    (void)link.send_call(header, "{}");
                    header.body_bytes = 100'000;
                    if (const auto id = link.send_call(header, "{}")) (void)link.send_body(*id, "body");
                }
                if (const auto* asked = std::get_if<question_received>(&action)) {
                    const proto::answers_message refused{proto::ask_outcome::unanswered, {}};
                    link.answer(asked->id, asked->number, refused);
                }
            } else if (const auto* call = std::get_if<proto::agent_action::call_received>(&action)) {
                (void)link.ask(call->id, {{{"k", std::string(proto::form_ability), "{}"}}, "state"});
            }
        }
        (void)link.flush(at);
    }
    link.on_tick(now + 3'600'000);
    link.on_closed(1006, "gone");
    (void)link.take_actions();
}

}  // namespace

void run(std::string_view input) {
    decode_frames(input);
    decode_json(input);

    const auto nonce = [] { return std::string(32, 'n'); };
    const auto sign = [](std::string_view) { return std::string(64, 's'); };
    const auto believe = [](std::string_view, std::string_view, std::string_view) { return true; };
    proto::hub_link hub({"hub_1", "kid", "http://127.0.0.1", {}, 0, nonce, sign, believe});
    talk(hub, input);

    proto::agent_link_config config;
    config.greeting.machine_id = "m";
    config.greeting.kid = "kid";
    config.hub_origin = "http://127.0.0.1";
    config.make_nonce = nonce;
    config.sign = sign;
    config.verify_hub = believe;
    proto::agent_link agent(std::move(config));
    talk(agent, input);
}

}  // namespace fuzz
