// Stands for the program `codez` in the holder's tests.
#include <cstring>

#include "agent/hold/hold_main.hpp"

int main(int argc, char** argv) {
    return argc == 2 && std::strcmp(argv[1], "hold") == 0 ? agent::hold::hold_main() : 2;
}
