// receiver SOCKET: as receiver.go, with console-socket.
import { listen } from "../../../packages/console-socket/dist/index.js";

const listener = await listen(process.argv[2]);
console.log("listening");
const terminal = await listener.accept();
terminal.once("data", () => {
  console.log(JSON.stringify({ firstByte: Number(process.hrtime.bigint()) }));
  process.exit();
});
