package io.ncc.checkin.system.ledger;

import static io.ncc.checkin.system.ledger.Topology.Kind.PROCESSOR;
import static io.ncc.checkin.system.ledger.Topology.Kind.RECEIVER;

import io.ncc.checkin.system.ledger.Topology.Kind;
import io.ncc.checkin.system.ledger.Topology.Member;
import io.ncc.checkin.testsupport.ServiceProcess;
import java.time.Duration;
import java.util.List;

/** The faults of a service, and of its route to Redis. */
final class ServiceFaults {

    private ServiceFaults() {}

    static void kill(Scene scene, Kind kind) {
        ServiceProcess victim = scene.topology().pick(kind, scene.random()).process();
        victim.kill();
        scene.elapse(1, 500);
        victim.startAgain();
    }

    static void pause(Scene scene, Kind kind) {
        ServiceProcess victim = scene.topology().pick(kind, scene.random()).process();
        victim.pause();
        scene.elapse(800, 2_000);
        victim.resume();
    }

    static void restartInTurn(Scene scene) {
        for (Member member : scene.topology().all(scene.random().nextBoolean() ? RECEIVER : PROCESSOR)) {
            member.process().stop();
            member.process().awaitEnd();
            member.process().startAgain();
            member.process().awaitUp();
        }
    }

    private static Route anyRoute(Scene scene) {
        List<Member> all = scene.topology().all();
        return all.get(scene.random().nextInt(all.size())).route();
    }

    static void cutConnections(Scene scene) {
        Route route = anyRoute(scene);
        for (int i = 0; i < 3; i++) {
            route.cut();
            scene.elapse(1, 300);
            route.reset();
            scene.elapse(1, 300);
        }
    }

    static void freezeConnections(Scene scene) {
        Route route = anyRoute(scene);
        route.freeze();
        scene.elapse(200, 3_000);
        route.thaw();
    }

    static void refuseConnections(Scene scene) {
        Route route = anyRoute(scene);
        route.refuse();
        scene.elapse(200, 2_000);
        route.accept();
    }

    static void delayConnections(Scene scene) {
        Route route = anyRoute(scene);
        route.delay(Duration.ofMillis(20 + scene.random().nextInt(400)));
        scene.elapse(500, 2_000);
        route.delay(Duration.ZERO);
    }
}
