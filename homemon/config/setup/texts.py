"""What `homemon setup` asks and says, in Japanese and English."""

from homemon.core.language import Text

TEXTS: dict[str, Text] = {
    "language": ("言語 / Language (ja, en)", "Language / 言語 (en, ja)"),
    "begin": (
        "設定は {} に書きます。\nEnter だけを押すと [ ] の中の答えになり、[ ] がなければその質問を飛ばします。",
        "The configuration is {}.\nPress Enter for the answer in [ ]; without [ ], Enter skips the question.",
    ),
    "again": ("すでに設定してあります。やり直しますか (y/n)", "This is set up already. Go through it again? (y/n)"),
    "kept": ("  今の設定のままにします。", "  It stays as it is."),
    "left out": (
        "  飛ばしました。後で `homemon setup --only {}` で設定できます。",
        "  Skipped. Do it later with `homemon setup --only {}`.",
    ),
    "written": ("  設定に書きました: {}", "  Written: {}"),
    "closed": (
        "  ほかの人も読めた {} を、自分だけのものにしました (0600)。",
        "  Others could read {}; it is yours alone now (mode 0600).",
    ),
    "wrong": ("  この答えは使えません: {}", "  That cannot be: {}"),
    "choose": ("  番号か名前で答えてください。", "  Answer with the number or the name."),
    "ended": (
        "\nここまでの答えは {} に書きました。\n`homemon setup` で続けられます。",
        "\nWhat was answered so far is in {}.\nRun `homemon setup` to go on.",
    ),
    "nothing written": (
        "\n何も書きませんでした。`homemon setup` でいつでも始められます。",
        "\nNothing was written. `homemon setup` begins again whenever you like.",
    ),
    # the letter
    "letter": ("\n■ Bルートの通知書", "\n== The letter of the B route"),
    "bid": (
        "Bルート認証ID (32桁。4桁ずつでも、全角でも、小文字でも可)",
        "B-route ID, Bルート認証ID (32 digits, in groups or not)",
    ),
    "pwd": (
        "パスワード (12文字。入力は表示されません)",
        "Password, パスワード (12 characters; typing it shows nothing)",
    ),
    "letter first": (
        "  先にBルート認証IDとパスワードが必要です。",
        "  This needs the B-route ID and password first.",
    ),
    # the serial port
    "port": ("\n■ Wi-SUN モジュールのシリアルポート", "\n== The serial port of the Wi-SUN module"),
    "trying": ("  {} を試しています…", "  trying {} ..."),
    "is module": ("  モジュールが見つかりました (SKSTACK {})。", "  A module answers (SKSTACK {})."),
    "is no module": ("  {}\n    {}", "  {}\n    {}"),
    "no module": (
        "  モジュールが見つかりません。接続と電源を確かめてください。\n"
        "  Raspberry Pi のピンにつないだ場合は、raspi-config のシリアル設定も。",
        "  No module was found. Check that it is plugged in and has power;\n"
        "  on the pins of a Raspberry Pi also the serial settings of raspi-config.",
    ),
    "port name": ("シリアルポートの名前 (例 /dev/ttyUSB0)", "Name of the serial port, such as /dev/ttyUSB0"),
    # the join
    "join": ("\n■ スマートメーターへの接続", "\n== Joining the smart meter"),
    "join now": ("今すぐ接続しますか。最長で3分かかります (y/n)", "Join now? It takes up to three minutes (y/n)"),
    "port first": (
        "  まだ接続できません。上の説明のとおりにした後、\n  `homemon setup --only port --only join` で設定できます。",
        "  So joining has to wait. Do what is said above, then\n  `homemon setup --only port --only join`.",
    ),
    "joined": ("  接続しました。", "  Joined."),
    "not joined": (
        "  接続できませんでした。上の説明のとおりにした後、\n"
        "  `homemon setup --only letter --only port --only join` でやり直せます。",
        "  That failed. Do what is said above, then try again with\n"
        "  `homemon setup --only letter --only port --only join`.",
    ),
    # the LAN
    "devices": ("\n■ LAN の機器 (エコキュート)", "\n== Devices on the LAN (EcoCute)"),
    "searching": ("  LAN を探しています…", "  searching the LAN ..."),
    "bind": ("homemon が使うアドレス", "homemon's own address"),
    "line": ("    {}", "    {}"),
    "no EcoCute": (
        "  エコキュートは見つかりませんでした。\n"
        "  LAN アダプターの ECHONET Lite を有効にしてください。\n"
        "  Wi-Fi の親機がマルチキャストを通さないこともあります。",
        "  No EcoCute was found. Is ECHONET Lite on in its adapter?\n  Many Wi-Fi access points keep multicast back.",
    ),
    "target": (
        "エコキュートのアドレス、または 192.168.1.0/24 のようなネットワーク",
        "Address of the EcoCute, or a network such as 192.168.1.0/24",
    ),
    "unit": ("どのエコキュートですか", "Which EcoCute"),
    # the solar monitor
    "monitor": (
        "\n■ 太陽光発電モニター (京セラ エコノナビット PMD47A)",
        "\n== Solar monitor (Kyocera Econonavit PMD47A)",
    ),
    "has monitor": (
        "モニターをこの Raspberry Pi (または PC) につないでいますか (y/n)",
        "Is there one, connected to this machine? (y/n)",
    ),
    "is monitor": ("  モニターが見つかりました。", "  The monitor answers."),
    "no monitor": ("  モニターは見つかりませんでした。", "  The monitor was not found."),
    # the contract
    "contract": ("\n■ 電気料金プラン", "\n== What you pay"),
    "area": ("お住まいの地域", "Your area"),
    "plan": ("料金プラン (自分で書いた .toml も可)", "Your plan (or a .toml of your own)"),
    "since": (
        "新しい契約の開始日 (例 2026-04-01。Enter だけなら今の契約を直します)",
        "From which day on, such as 2026-04-01 (Enter: correct the present one)",
    ),
    "ampere": ("契約アンペア ({})", "契約アンペア, amperes of the contract ({})"),
    "kva": ("契約容量 (kVA)", "契約容量, kVA of the contract"),
    "kw": ("契約電力 (kW)", "契約電力, kW of the contract"),
    "reading day": (
        "検針日 (1–31。答えなければ暦の月で計算します)",
        "検針日, the day of the meter's reading (1-31; without it, calendar months)",
    ),
    "sell": (
        "売電単価 (円/kWh、または fit-2025-10 のように売電を始めた月)",
        "Paid for what you sell: yen a kWh, or fit-2025-10, the month it began",
    ),
    # the server
    "server": ("\n■ InfluxDB (なくても動きます)", "\n== InfluxDB (homemon works without)"),
    "url": ("サーバーの URL (例 http://localhost)", "URL of the server, such as http://localhost"),
    "db": ("データベース名", "Database"),
    "org": ("組織名 (organization)", "Organization"),
    "bucket": ("バケット名", "Bucket"),
    "login": ("  このサーバーにはログインが必要です。", "  It asks for a login."),
    "user": ("ユーザー名 (トークンを使うなら Enter だけ)", "User (Enter alone if it takes a token)"),
    "password": ("パスワード (入力は表示されません)", "Password (typing it shows nothing)"),
    "token": ("トークン (入力は表示されません)", "Token (typing it shows nothing)"),
    "refused": ("  このログインは受け付けられませんでした。\n    {}", "  It does not take this login.\n    {}"),
    "server kept": (
        "  今の設定のままにします。正しいログインがわかったら、\n  `homemon setup --only server` でやり直せます。",
        "  It stays as it is. With the right login, do it again:\n  `homemon setup --only server`.",
    ),
    "no login": (
        "  ログインは書きません。後で `homemon setup --only server` で設定できます。",
        "  No login is written. Give it later with `homemon setup --only server`.",
    ),
    "takes points": ("  サーバーが応答しました。", "  It answers, and takes points."),
    "database made": ("  データベース {} を作りました。", "  It answers; the database {} was made."),
    "server says": ("  サーバーはまだ使えません。\n    {}", "  It cannot be used yet.\n    {}"),
    # what starts it
    "start": ("\n■ 自動起動", "\n== What starts homemon"),
    "no way": (
        "  crontab も systemd も使えません。`sudo apt install cron` の後で、\n"
        "  `homemon setup --only start` を実行してください。",
        "  There is neither crontab nor systemd. `sudo apt install cron`, then\n  `homemon setup --only start`.",
    ),
    "by": ("どの方法で起動しますか", "Start it by"),
    "cron": ("crontab に行を足す", "lines in your crontab"),
    "systemd": ("自分のユニットを置く", "units of your own"),
    "none": ("起動しない", "nothing is started"),
    "own line": (
        "  次の自分の行がすでに起動するので、足しません:\n    {}",
        "  A line of your own starts this already; none is added for it:\n    {}",
    ),
    "own line lacks": (
        "    この行に {} はありません。必要なら書き足してください。",
        "    It is without {}: write that into it if you want it.",
    ),
    "added": ("  足すもの:", "  To be added:"),
    "nothing to add": ("  足すものはありません。", "  There is nothing to add."),
    "install": ("この内容で入れますか (y/n)", "Install this? (y/n)"),
    "replace": ("{} の内容が違います。置き換えますか (y/n)", "{} says something else. Replace it? (y/n)"),
    "soon": ("  入れました。1分以内に動き始めます。", "  Done. It starts within a minute."),
    "awaited": (
        "\n{} の最初の値を待っています。2分まで待ちます…",
        "\nWaiting for the first readings of {} (two minutes at most)",
    ),
    "installed": ("  入れました。", "  Done."),
    "not installed": ("  入れられませんでした: {}", "  That failed: {}"),
    "no device": ("  起動する機器がまだありません。", "  There is nothing to start yet."),
    "remove": (
        "これらによる起動をやめますか (y/n)",
        "These start homemon. Shall they start it no more? (y/n)",
    ),
    "removed": (
        "  もう起動しません。cron が起動して今も動いているものを止めるには\n    pkill -f 'homemon.* -q '",
        "  They start it no more. What cron started and still runs is ended by\n    pkill -f 'homemon.* -q '",
    ),
    "not removed": ("  できませんでした: {}", "  That failed: {}"),
    "linger": (
        "  ログインしていなくても動かすには: sudo loginctl enable-linger $USER",
        "  To go on without a login: sudo loginctl enable-linger $USER",
    ),
    "page who": ("ページを見る人", "Who is to see the page in a browser"),
    "page none": ("誰も見ない", "nobody"),
    "page here": ("この機器だけ", "this machine only"),
    "page lan": ("家のネットワークのみんな", "everyone on the home's network"),
    "page password": (
        "ページのパスワード (入力は表示されません。Enter だけなら誰でも見られます)",
        "Password of the page (typing it shows nothing; Enter alone: all may look)",
    ),
    "page anew": (
        "  前から動いているページは、次のコマンドで新しい設定になります。\n    pkill -f 'homemon.*-q serve'",
        "  A page that is served already is served anew, as it is set up now, by\n    pkill -f 'homemon.*-q serve'",
    ),
    "older": (
        "\n動いている常駐コマンドは、まだ前の設定です。\n"
        "次のコマンドで終わらせると、新しい設定で起動し直されます。\n    kill {}",
        "\nThe listeners that run have the configuration of before. End them, and what\n"
        "starts them starts them anew:\n    kill {}",
    ),
    # the end
    "check": ("\n■ 確認", "\n== Check"),
    "values": ("\n最新の値:   {0} status", "\nThe newest values: {0} status"),
    "page at": ("ページ:     {}", "The page:          {}"),
    "page by hand": (
        "ページ:     {0} graph -o homemon.html\nブラウザー: {0} serve",
        "The page:          {0} graph -o homemon.html\nIn a browser:      {0} serve",
    ),
    "page tunnel": (
        "ほかの機器で見るには、そこで ssh -L {0}:localhost:{0} {1}",
        "From another machine, there: ssh -L {0}:localhost:{0} {1}",
    ),
}

AREA_NAMES: dict[str, Text] = {
    "hokkaido": ("北海道", "Hokkaido"),
    "tohoku": ("東北", "Tohoku"),
    "tokyo": ("東京", "Tokyo"),
    "chubu": ("中部", "Chubu"),
    "hokuriku": ("北陸", "Hokuriku"),
    "kansai": ("関西", "Kansai"),
    "chugoku": ("中国", "Chugoku"),
    "shikoku": ("四国", "Shikoku"),
    "kyushu": ("九州", "Kyushu"),
    "okinawa": ("沖縄", "Okinawa"),
}
