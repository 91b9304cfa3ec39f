// Ids that clients carry around for us: only what was sealed here, for this caller, opens.
#include <string>

#include "common/crypto/random.hpp"
#include "common/crypto/sealer.hpp"
#include "common/mcp/event_id.hpp"
#include "common/mcp/request_state.hpp"
#include "common/mcp/session_id.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

namespace {

using namespace common::mcp;

const common::crypto::sealer& sealer() {
    static const common::crypto::sealer made(std::string(common::crypto::sealer::key_size, 'k'));
    return made;
}

const engine_options& options() {
    static const engine_options made = [] {
        engine_options o;
        o.seal = [](std::string_view plain, std::string_view with) { return sealer().seal(plain, with); };
        o.open = [](std::string_view sealed, std::string_view with) { return sealer().open(sealed, with); };
        o.random_token = common::crypto::random_token;
        return o;
    }();
    return made;
}

// One character of a sealed text is another one.
std::string spoiled(std::string text, std::size_t where, std::uint8_t with) {
    text[where % text.size()] = static_cast<char>(with);
    return text;
}

}  // namespace

void run(std::string_view input) {
    const std::uint8_t where = take_byte(input);
    const std::uint8_t with = take_byte(input);

    // Nothing opens for whom nothing was sealed. ("p" will not do here: libFuzzer takes what is sealed below from the
    // comparisons that it watches, and makes inputs of it.)
    require(!sealer().open(input, "nobody"));
    require(!open_session(options(), "nobody", input));
    (void)read_event_id(options(), "s", input);

    // What was sealed opens whole, for its own purpose, unspoiled.
    const std::string plain(input.substr(0, common::crypto::sealer::plaintext_bytes_max));
    const std::string sealed = sealer().seal(plain, "p");
    require(sealer().open(sealed, "p") == plain);
    require(!sealer().open(sealed, "q"));
    if (const std::string other = spoiled(sealed, where, with); other != sealed) require(!sealer().open(other, "p"));

    const std::string session = seal_session(options(), "p", "2025-11-25", {});
    require(open_session(options(), "p", session).has_value());
    require(!open_session(options(), "q", session));
    if (const std::string other = spoiled(session, where, with); other != session)
        require(!open_session(options(), "p", other));

    // Whatever a client says its arguments are: a state is good for them only.
    const std::string binding = state_binding("p", "tools/call", "tool", input);
    request_state state;
    state.state = "asked";
    state.asked = {"user_name"};
    const auto sent = seal_state(options(), binding, state);
    require(sent.has_value());
    const auto back = open_state(options(), binding, *sent);
    require(back && back->state == "asked" && back->asked == state.asked);
    require(!open_state(options(), state_binding("q", "tools/call", "tool", input), *sent));
    require(!open_state(options(), binding, input));
}

}  // namespace fuzz
