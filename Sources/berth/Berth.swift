import Commands

@main
struct Berth {
    static func main() async { await BerthCommand.start() }
}
