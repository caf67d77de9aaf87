module berth.example/contributors

go 1.19
