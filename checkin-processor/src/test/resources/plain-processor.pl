# A processor as tutorials have it: one entry at a time, updates of the hashes, then XACK. It knows neither our script nor our guard.
#
#     perl plain-processor.pl HOST PORT GROUP CONSUMER
#
# Writes the id of each entry that it has counted, until it is told to end (SIGTERM).
use strict;
use warnings;
use IO::Socket::INET;

my ($host, $port, $group, $consumer) = @ARGV;
my $redis = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) or die "Can't connect to $host:$port: $@";
my $stopping = 0;
$SIG{TERM} = sub { $stopping = 1 };
$| = 1;

# Sends a command and reads its reply (RESP 2): a string, a number, undef, or a reference to an array of these.
sub call {
    print $redis '*', scalar(@_), "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @_;
    $redis->flush;
    return reply();
}

sub reply {
    my $line = readline($redis) // die "Redis is gone";
    $line =~ s/\r\n$//;
    my ($type, $value) = (substr($line, 0, 1), substr($line, 1));
    die $value if $type eq '-';
    return $value if $type eq '+' || $type eq ':';
    return undef if $value < 0;
    return [map { reply() } 1 .. $value] if $type eq '*';
    read($redis, my $text, $value + 2) == $value + 2 or die "Redis is gone";
    return substr($text, 0, $value);
}

until ($stopping) {
    my $read = call('XREADGROUP', 'GROUP', $group, $consumer, 'COUNT', 1, 'BLOCK', 100, 'STREAMS', 'ncc:checkins', '>') or next;
    my ($id, $fields) = @{ $read->[0][1][0] };
    my %checkin = @$fields;
    my $user = "ncc:users:$checkin{userId}";
    my $location = "ncc:locations:$checkin{locationId}";

    call('HINCRBY', $user, 'numCheckins', 1);
    my ($millis) = split /-/, $id;
    if ($millis > (call('HGET', $user, 'lastCheckin') // 0)) {
        call('HSET', $user, 'lastCheckin', $millis, 'lastSeenAt', $checkin{locationId});
    }
    my $count = call('HINCRBY', $location, 'numCheckins', 1);
    my $stars = call('HINCRBY', $location, 'numStars', $checkin{starRating});
    call('HSET', $location, 'averageStars', int($stars / $count + 0.5));

    call('XACK', 'ncc:checkins', $group, $id);
    print "$id\n";
}
