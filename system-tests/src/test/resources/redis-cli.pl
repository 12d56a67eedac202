# Does what redis-cli does with the commands in docs/operation.md: there may be none on this machine.
#
#     perl -I FOLDER_OF_REDIS_PM redis-cli.pl HOST PORT COMMAND ARGUMENT...
#     perl -I FOLDER_OF_REDIS_PM redis-cli.pl HOST PORT --scan --pattern PATTERN
#     perl -I FOLDER_OF_REDIS_PM redis-cli.pl HOST PORT < COMMANDS
#
# An error ends it, but not in a file of commands, as with redis-cli.
use strict;
use warnings;
use Redis;

my ($host, $port, @command) = @ARGV;
connect_to($host, $port);

sub show {
    print map { "$_\n" } ref $_[0] ? @{ $_[0] } : $_[0] // '';
}

if (!@command) {
    while (my $line = <STDIN>) {
        eval { show(call(split ' ', $line)); 1 } or print $@;
    }
} elsif ($command[0] eq '--scan') {
    my ($cursor, $keys) = (0);
    do {
        ($cursor, $keys) = @{ call('SCAN', $cursor, 'MATCH', $command[2]) };
        show($keys);
    } while ($cursor ne '0');
} else {
    show(call(@command));
}
