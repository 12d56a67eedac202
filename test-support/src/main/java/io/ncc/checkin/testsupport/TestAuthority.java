package io.ncc.checkin.testsupport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A certificate authority of a test's own, made with the keytool of the JDK. */
public final class TestAuthority {

    private static final String PASSWORD = "changeit";
    private static final String SELF = "authority";

    private final Path folder;

    /** @param folder for its files, empty */
    public TestAuthority(Path folder) {
        this.folder = folder;
        generate(SELF, "-ext", "bc:critical=ca:true");
        export(SELF);
    }

    /**
     * Who somebody is, as PEM files.
     *
     * @param authority the certificate of the authority that issued it
     */
    public record Identity(Path certificate, Path key, Path authority) {}

    /**
     * Issues a certificate.
     *
     * @param name of its files
     * @param names of the server, as keytool takes them: {@code dns:localhost,ip:127.0.0.1}
     */
    public Identity issue(String name, String names) {
        generate(name, "-signer", SELF, "-ext", "san=" + names);
        return export(name);
    }

    private void generate(String alias, String... more) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair"));
        command.addAll(List.of("-alias", alias, "-dname", "CN=" + alias, "-validity", "2"));
        command.addAll(List.of("-keyalg", "EC", "-groupname", "secp256r1"));
        command.addAll(List.of("-keystore", store().toString(), "-storepass", PASSWORD));
        command.addAll(List.of(more));
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(1, TimeUnit.MINUTES) || process.exitValue() != 0) {
                throw new IllegalStateException(String.join(" ", command) + ": " + output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private Identity export(String alias) {
        try {
            KeyStore store = KeyStore.getInstance(store().toFile(), PASSWORD.toCharArray());
            return new Identity(
                    write(
                            alias + ".pem",
                            "CERTIFICATE",
                            store.getCertificate(alias).getEncoded()),
                    write(
                            alias + ".key",
                            "PRIVATE KEY",
                            store.getKey(alias, PASSWORD.toCharArray()).getEncoded()),
                    folder.resolve(SELF + ".pem"));
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private Path write(String file, String type, byte[] content) throws IOException {
        String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
        return Files.writeString(
                folder.resolve(file), "-----BEGIN " + type + "-----\n" + lines + "\n-----END " + type + "-----\n");
    }

    private Path store() {
        return folder.resolve("authority.p12");
    }
}
