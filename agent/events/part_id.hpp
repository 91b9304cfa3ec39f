// Which message part an event body tells of. Empty if it does not say, or is not the JSON that it should be.
#pragma once

#include <string>
#include <string_view>

namespace agent::events {

std::string part_id_of_delta(std::string_view body);      // {…, "partId": …}
std::string part_id_of_completed(std::string_view body);  // {…, "part": {"id": …}}

}  // namespace agent::events
