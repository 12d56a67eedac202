package io.ncc.checkin.service;

import io.netty.util.NetUtil;
import java.net.Inet6Address;
import java.util.Arrays;
import java.util.HexFormat;

/** What requests of a client are counted under: its address, of IPv6 the first 64 bits, which are one subscriber's. */
public final class ClientAddress {

    private static final int PREFIX_BYTES = 8;

    private ClientAddress() {}

    /**
     * The name of a client for limits.
     *
     * @param address a literal; anything else, such as what a proxy's header may hold, stands for itself
     */
    public static String of(String address) {
        int zone = address.indexOf('%');
        String literal = zone < 0 ? address : address.substring(0, zone);
        if (literal.indexOf(':') >= 0
                && NetUtil.createInetAddressFromIpAddressString(literal) instanceof Inet6Address client) {
            return HexFormat.of().formatHex(Arrays.copyOf(client.getAddress(), PREFIX_BYTES));
        }
        return address;
    }
}
