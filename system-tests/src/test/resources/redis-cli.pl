# Does what redis-cli does with the commands in docs/operation.md: there may be none on this machine.
#
#     perl redis-cli.pl HOST PORT COMMAND ARGUMENT...
#     perl redis-cli.pl HOST PORT --scan --pattern PATTERN
#     perl redis-cli.pl HOST PORT < COMMANDS
#
# An error ends it, but not in a file of commands, as with redis-cli.
use strict;
use warnings;
use IO::Socket::INET;

my ($host, $port, @command) = @ARGV;
my $redis = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) or die "Can't connect to $host:$port: $@";

# Sends a command and reads its reply (RESP 2): a string, a number, undef, or a reference to an array of these.
sub call {
    print $redis '*', scalar(@_), "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @_;
    $redis->flush;
    return reply();
}

sub reply {
    my $line = readline($redis) // die "Redis is gone\n";
    $line =~ s/\r\n$//;
    my ($type, $value) = (substr($line, 0, 1), substr($line, 1));
    die "$value\n" if $type eq '-';
    return $value if $type eq '+' || $type eq ':';
    return undef if $value < 0;
    return [map { reply() } 1 .. $value] if $type eq '*';
    read($redis, my $text, $value + 2) == $value + 2 or die "Redis is gone\n";
    return substr($text, 0, $value);
}

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
