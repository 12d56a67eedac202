# A processor as tutorials have it: one entry at a time, updates of the hashes, then XACK. It knows neither our script nor our guard.
#
#     perl -I FOLDER_OF_REDIS_PM plain-processor.pl HOST PORT GROUP CONSUMER
#
# Writes the id of each entry that it has counted, until it is told to end (SIGTERM).
use strict;
use warnings;
use Redis;

my ($host, $port, $group, $consumer) = @ARGV;
connect_to($host, $port);
my $stopping = 0;
$SIG{TERM} = sub { $stopping = 1 };
$| = 1;

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
