# Gives eth0 further addresses, ADDRESS/PREFIX with commas between, in images without `ip`.
use strict;
use warnings;
use Errno ();
use Socket qw(AF_INET AF_INET6 SOCK_DGRAM inet_pton);

use constant { SIOCSIFADDR => 0x8916, SIOCSIFNETMASK => 0x891c, SIOCGIFINDEX => 0x8933 };

for (split /,/, $ARGV[0]) {
    my ($address, $prefix) = m{^(.+)/(\d+)$} or die "$_: expected ADDRESS/PREFIX\n";
    my $family = $address =~ /:/ ? AF_INET6 : AF_INET;
    my $packed = inet_pton($family, $address) // die "$address: no address\n";
    socket my $socket, $family, SOCK_DGRAM, 0 or die "socket: $!\n";
    if ($family == AF_INET) {
        my $mask = pack 'N', $prefix ? 0xffffffff << (32 - $prefix) & 0xffffffff : 0;
        for ([SIOCSIFADDR, $packed], [SIOCSIFNETMASK, $mask]) {
            my $request = pack 'a16 S S a4 x16', 'eth0:kind', AF_INET, 0, $_->[1];
            ioctl $socket, $_->[0], $request or die "$address: $!\n";
        }
    } else {
        my $request = pack 'a16 x24', 'eth0';
        ioctl $socket, SIOCGIFINDEX, $request or die "eth0: $!\n";
        $request = pack 'a16 L l', $packed, $prefix, unpack 'x16 l', $request;
        ioctl $socket, SIOCSIFADDR, $request or $!{EEXIST} or die "$address: $!\n";
    }
}
