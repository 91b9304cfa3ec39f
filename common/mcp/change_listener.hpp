// How a back end tells the engine that something clients may watch has changed. The engine is the listener; it passes
// the news on to those who asked for it and may know it. Thread-safe, returns at once; news of the same thing that nobody
// has been told yet become one.
#pragma once

#include <cstdint>
#include <string_view>

namespace common::mcp {

enum class list_kind : std::uint8_t { tools, prompts, resources };

class change_listener {
public:
    virtual ~change_listener() = default;

    // An empty workspace means all of them.
    virtual void list_changed(list_kind which, std::string_view workspace_id) = 0;
    virtual void resource_updated(std::string_view uri, std::string_view workspace_id) = 0;
    virtual void task_changed(std::string_view task_id) = 0;
};

}  // namespace common::mcp
