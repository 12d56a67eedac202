package io.ncc.checkin.receiver;

import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.springframework.web.ErrorResponseException;

/** The body of a request that was compressed with gzip. One that is damaged or ends too early is the client's fault, and a problem. */
final class GunzippedBody extends GZIPInputStream {

    /** Up to Java 22 each takes a frame of the stack. */
    private static final int MOST_EMPTY_MEMBERS = 100;

    private int emptyMembers;

    private GunzippedBody(InputStream body) throws IOException {
        super(body);
    }

    /** @throws ErrorResponseException a problem, if the body doesn't begin as gzip does */
    static GunzippedBody of(InputStream body) throws IOException {
        try {
            return new GunzippedBody(new WithAllMembers(body));
        } catch (ZipException | EOFException e) {
            throw notGzip();
        }
    }

    /** @throws ErrorResponseException a problem, if it is not gzip from here on */
    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        if (emptyMembers == MOST_EMPTY_MEMBERS) {
            throw notGzip();
        }
        emptyMembers++; // super calls this again after a member, as long as there is nothing to return
        try {
            return super.read(buffer, offset, length);
        } catch (ZipException | EOFException e) {
            throw notGzip();
        } finally {
            emptyMembers--;
        }
    }

    private static ErrorResponseException notGzip() {
        return ProblemType.invalidMembers(List.of(new InvalidMember("", "is not gzip")));
    }

    /** What is not there yet is not the end: GZIPInputStream would take it for that, and drop the members that follow. */
    private static final class WithAllMembers extends FilterInputStream {

        WithAllMembers(InputStream in) {
            super(in);
        }

        @Override
        public int available() {
            return 1;
        }
    }
}
