// However a text is cut, the scanner's verdict is the same; and what it accepts, a parser takes for one object.
#include "proto/json_scanner.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

void run(std::string_view input) {
    using status = proto::json_scanner::status;
    const std::size_t step = 1 + take_byte(input) % 16;

    proto::json_scanner whole;
    proto::json_scanner cut;
    whole.feed(input);
    for (std::size_t at = 0; at < input.size(); at += step) cut.feed(input.substr(at, step));
    require(whole.state() == cut.state());
    require(whole.reason() == cut.reason());
    require((whole.state() == status::error) == !whole.reason().empty());

    const auto parsed = parse_json(input);
    if (!parsed) return;
    if (whole.state() == status::complete) require(parsed->is_object());
    // The other way round but for depth, which the parser does not bound, and NUL, which ends the text for it.
    if (parsed->is_object() && input.find('\0') == std::string_view::npos && whole.state() != status::complete) {
        require(whole.state() == status::error);
        require(whole.reason().find("deep") != std::string_view::npos);
    }
}

}  // namespace fuzz
