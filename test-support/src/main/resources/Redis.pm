# A client of Redis for the Perl programs of tests: one connection, commands without pipelining.
package Redis;
use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;

our @EXPORT = qw(connect_to call);
my $redis;

sub connect_to {
    my ($host, $port) = @_;
    $redis = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) or die "Can't connect to $host:$port: $@";
}

# Sends a command and reads its reply (RESP 2): a string, a number, undef, or a reference to an array of these. Dies with the text of an error.
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

1;
