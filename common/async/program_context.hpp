// The io_context of a program. Destroying an io_context destroys the coroutines that still wait on it, and with them what
// they hold of the program's objects; but sockets and timers among those objects need their io_context. So neither can go
// first: a composition root calls abandon_handlers() at the start of its teardown, while everything is still there.
#pragma once

#include <boost/asio/io_context.hpp>

namespace common::async {

class program_context : public boost::asio::io_context {
public:
    using boost::asio::io_context::io_context;

    // After run() has returned: destroys, without calling them, all handlers and suspended coroutines. Nothing is started
    // on the context any more.
    void abandon_handlers() { shutdown(); }
};

}  // namespace common::async
