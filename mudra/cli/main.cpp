#include "mudra/cli/arguments.h"
#include "mudra/cli/commands.h"

int main(int argc, char** argv) { return mudra::run_command_line(argc, argv, mudra::commands()); }
