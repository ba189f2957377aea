import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Iterator;
import java.util.stream.Stream;

/** Reads a streamed chat line by line until the record that is done. Arguments: base URL, request body. */
public class StreamedChat {
    public static void main(String[] args) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(args[0] + "/api/chat"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(args[1]))
                .build();
        HttpResponse<Stream<String>> response =
                HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofLines());
        try (Stream<String> lines = response.body()) {
            Iterator<String> line = lines.iterator();
            while (line.hasNext()) {
                String record = line.next();
                System.out.println(record);
                if (record.contains("\"done\":true")) {
                    return;
                }
            }
        }
        System.err.println("the stream ended before it was done");
        System.exit(1);
    }
}
