import java.io.*;
import java.net.*;
import java.util.*;
import java.util.concurrent.*;

/** Answers each line on port 7 with "LINE ok": a thread for each client, garbage all the time, a timer, compiled code. */
public class Lines {
  static volatile long ticks = 0;
  static volatile Object garbage;

  public static void main(String[] arguments) throws Exception {
    new ScheduledThreadPoolExecutor(2).scheduleAtFixedRate(() -> ticks++, 10, 10, TimeUnit.MILLISECONDS);
    Map<Integer, String> held = new ConcurrentHashMap<>();
    for (int n = 0; n < 200_000; n++) held.put(n, "value " + n);
    ServerSocket server = new ServerSocket(7);
    while (true) {
      Socket client = server.accept();
      new Thread(() -> serve(client, held)).start();
    }
  }

  static void serve(Socket client, Map<Integer, String> held) {
    try (BufferedReader in = new BufferedReader(new InputStreamReader(client.getInputStream()));
         Writer out = new OutputStreamWriter(client.getOutputStream())) {
      for (String line; (line = in.readLine()) != null; ) {
        garbage = new byte[100_000];
        int n = Integer.parseInt(line) * 7919 % held.size();
        boolean right = held.get(n).equals("value " + n) && (ticks > 0 || line.equals("1"));
        out.write(line + (right ? " ok\n" : " wrong\n"));
        out.flush();
      }
    } catch (IOException gone) {
    }
  }
}
